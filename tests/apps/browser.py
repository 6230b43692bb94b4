"""A headless Chromium, driven over its DevTools protocol."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import websocket

from tests.apps.processes import get, wait_for

FLAGS = [
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "about:blank",
]


class Browser:
    """One page of a Chromium of its own, with an empty profile in the given folder."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("chromium")
        assert program, "want Debian's package chromium"
        # Chromium's own sandbox does not start for root.
        flags = ["--no-sandbox", *FLAGS] if os.geteuid() == 0 else FLAGS
        self._process = subprocess.Popen(
            [program, f"--user-data-dir={folder}", *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._number = 0
        self.events: list[dict[str, Any]] = []
        port_file = folder / "DevToolsActivePort"
        port = wait_for(lambda: port_file.exists() and port_file.read_text().split("\n")[0], "Chromium", 30)
        pages = wait_for(
            lambda: [page for page in get(f"http://127.0.0.1:{port}/json").json if page["type"] == "page"], "a page"
        )
        self._socket = websocket.create_connection(pages[0]["webSocketDebuggerUrl"], timeout=20, suppress_origin=True)
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol and its result; events that come in between are kept."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") != self._number:
                self.events.append(message)
                continue
            assert "error" not in message, message
            return message["result"]

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)
        wait_for(lambda: self.evaluate("document.readyState === 'complete' && location.href !== 'about:blank'"), url)

    def text(self, selector: str) -> str:
        return self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")

    def wait_text(self, selector: str, text: str, seconds: float = 15) -> None:
        """Wait until the element says so."""
        until = time.monotonic() + seconds
        while text not in (seen := self.text(selector)):
            assert time.monotonic() < until, f"waited {seconds:g} s for {text!r} in {selector}; it says {seen!r}"
            time.sleep(0.1)

    def resize(self, width: int, height: int) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def complaints(self) -> list[str]:
        """Errors and warnings of the page: exceptions, refusals by its policy."""
        self.evaluate("0")
        kinds = {"Runtime.exceptionThrown", "Log.entryAdded"}
        return [json.dumps(event["params"]) for event in self.events if event["method"] in kinds]

    def hosts(self) -> set[str]:
        """Where the page's requests went."""
        urls = [
            event["params"]["request"]["url"] for event in self.events if event["method"] == "Network.requestWillBeSent"
        ]
        return {url.split("/")[2] for url in urls if url.startswith("http")}

    def screenshot(self) -> str:
        """A picture of the page: PNG in base64."""
        return self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]

    def close(self) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(timeout=15)
