"""Text as nobody honest writes it, for every place that reads what strangers can write: tags, names, records, parameters.

A new place takes all of it: `for label, text in texts(marker).items()`; the marker is a file that exists once any of it ran.
"""

from __future__ import annotations

from pathlib import Path

# What looks like a host of the deployment and is none.
NEAR_HOST_NAMES = (
    "", " ", "frontend", "frontend-", "frontend-0", "frontend-10", "frontend-01", "frontend--1", "frontend-1 ", " frontend-1",
    "frontend-1\n", "frontend-1\t", "Frontend-1", "frontend_1", "frontend-1.example.org", "backend-1,backend-2", "database-1",
    "localhost", "all", "ungrouped", "tandem-local-frontend-1", "i-0123", "10.0.0.4",
)  # fmt: skip
# The same to the eye: a Cyrillic o, an Arabic 1, a full-width 1, a hyphen that does not break, a space of no width.
LOOK_ALIKES = ("fr\u043entend-1", "frontend-\u0661", "frontend-\uff11", "frontend\u20111", "frontend-1\u200b")
# What a terminal, a log or a reader would obey: colours, titles, a cleared screen, other directions, lines that are none.
CONTROLS = (
    "\x1b[31mred", "\x1b]0;title\x07", "\x1b[2J", "\x9b2J", "\x7f\x08", "a\rb", "a\u202eb", "a\u2028b", "a\x85b",
)  # fmt: skip
PATTERNS = (
    "*", "?", "!frontend-1", "frontend-*", "[a-z]*", "%h", "%d", "${HOME}", "~", "../../etc/passwd", "#", "\\", '"', "'",
)  # fmt: skip


def texts(marker: Path) -> dict[str, str]:
    """By a label that can be printed. Whoever runs, templates or includes one of the commands makes the file `marker`."""
    run = f"touch {marker}"
    commands = {
        "semicolon": f"frontend-2; {run}; true",
        "pipe": f"frontend-2 || {run}",
        "substitution": f"$({run})",
        "backticks": f"`{run}`",
        "single quote": f"x'; {run}; '",
        "double quote": f'x"; {run}; "',
        "new line": f"x\n{run}\n",
        "SSH block": f"x\nHost *\n  ProxyCommand {run}\n  KnownHostsCommand /usr/bin/{run}\nHost y",
        "SSH block after a carriage return": f"x\r\nMatch exec '{run}'\r\n",
        "SSH option": f"-oProxyCommand={run}",
        "SSH words": f"x y z\tProxyCommand={run}",
        "expression": f"{{{{ lookup('ansible.builtin.pipe', '{run}') }}}}",
        "statement": f"{{% if lookup('ansible.builtin.pipe', '{run}') %}}{{% endif %}}",
        "script": f"<script>alert(1)</script><img src=x onerror={run}>",
        "long": "frontend-1" * 25,
    }
    kinds = {"near": NEAR_HOST_NAMES, "look-alike": LOOK_ALIKES, "control": CONTROLS, "pattern": PATTERNS}
    return commands | {f"{kind} {text!a}": text for kind, all_of in kinds.items() for text in all_of}
