"""Programs of the machine. AnsibleModule.run_command has no pipes, no time limit and, outside of a module's main, no module."""

# pylint: disable=ansible-bad-function

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import IO, Any


def run(
    command: Sequence[str], *, check: bool = False, together: bool = False, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end. together: what it says on standard error is part of its output.

    Raises CalledProcessError with check, if its status is not 0.
    """
    errors = subprocess.STDOUT if together else subprocess.PIPE
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=errors, text=True, errors="replace", check=check, **options
    )


def start(command: Sequence[str], said: IO[bytes], **pipes: Any) -> subprocess.Popen[bytes]:
    """Start a program of a pipe. said: the file to which it writes what goes wrong."""
    return subprocess.Popen(command, stderr=said, **pipes)
