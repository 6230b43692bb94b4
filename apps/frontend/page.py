"""The page for a browser: one self-contained file, under a policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

from flask import Response

FILE = Path(__file__).with_name("page.html")


class Page:
    """`page.html`, read once, with the content security policy that fits its own script and style."""

    def __init__(self, file: Path = FILE) -> None:
        self._html = file.read_bytes()
        text = self._html.decode()
        self._policy = "; ".join(
            [
                "default-src 'none'",
                f"script-src {self._hash(text, 'script')}",
                f"style-src {self._hash(text, 'style')}",
                "connect-src 'self'",
                "img-src data:",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
            ]
        )

    @staticmethod
    def _hash(text: str, element: str) -> str:
        match = re.search(rf"<{element}>(.*?)</{element}>", text, re.DOTALL)
        if not match:
            raise ValueError(f"{FILE} has no <{element}> element")
        return f"'sha256-{base64.b64encode(hashlib.sha256(match[1].encode()).digest()).decode()}'"

    def response(self) -> Response:
        return Response(
            self._html,
            mimetype="text/html",
            headers={
                "Content-Security-Policy": self._policy,
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "no-referrer",
                "Cache-Control": "no-cache",
            },
        )
