"""Releases that go wrong, each in its own way: what is done to a copy of the applications, and how the roll-out must end."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.support.watched import Strike

from .fleet import Fleet

BEFORE = "from __future__ import annotations\n"


@dataclass(frozen=True)
class Release:
    """edit: changes the copy of apps/. says: what the run's last words must hold. loses: why requests may fail, if they may.

    ends: not begun is a run that fails before it has changed, locked or recorded anything, failed one that could not
    take every host back.
    prefix: name of the images, where not the usual one. strike: what happens in the middle of the roll-out.
    mends: site.yml has to bring something back after it. later: what happens once it is deployed, so that an operator goes back.
    """

    name: str
    edit: Callable[[Path], None]
    ends: Literal["deployed", "rolled back", "failed", "not begun"]
    says: str = ""
    loses: str = ""
    prefix: str = ""
    strike: Callable[[Fleet], Strike] | None = None
    mends: bool = False
    later: Callable[[Fleet], None] | None = None


def prepend(file: Path, code: str) -> None:
    """Put code before everything else that a module does."""
    text = file.read_text()
    head, _, rest = text.partition(BEFORE)
    file.write_text(f"{head}{BEFORE}\n{code}\n{rest}" if rest else f"{code}\n{text}")


def good(apps: Path) -> None:
    prepend(apps / "backend/app.py", "RELEASE = 'good'\n")
    prepend(apps / "frontend/app.py", "RELEASE = 'good'\n")


def crashes_at_boot(apps: Path) -> None:
    prepend(apps / "backend/app.py", "raise SystemExit('gauntlet: this release crashes at boot')\n")


def frontend_crashes_at_boot(apps: Path) -> None:
    good(apps)
    prepend(apps / "frontend/app.py", "raise SystemExit('gauntlet: this frontend crashes at boot')\n")


def starts_slowly(apps: Path) -> None:
    prepend(apps / "backend/app.py", "import time\n\ntime.sleep(15)\n")


def sick_when(apps: Path, setup: str, condition: str) -> None:
    """Every request of a backend is answered with 503 while the condition, a Python expression, holds."""
    hook = f"@app.before_request\ndef _fall_sick():\n    if {condition}:\n        return {{'error': 'gauntlet: sick'}}, 503\n"
    file = apps / "backend/app.py"
    file.write_text(f"{file.read_text()}\n\n{setup}\n\n\n{hook}")


def becomes_sick(apps: Path) -> None:
    """Healthy for 20 s: long enough for the first host's gate, too short for the fleet's."""
    sick_when(apps, "import time as _time\n\n_sick_from = _time.monotonic() + 20", "_time.monotonic() > _sick_from")


def can_become_sick(apps: Path) -> None:
    sick_when(apps, "import pathlib as _pathlib", "_pathlib.Path('/tmp/sick').exists()")


def backends_become_sick(fleet: Fleet) -> None:
    for host in ("backend-1", "backend-2"):
        fleet.run(host, "docker", "exec", fleet.application(host), "touch", "/tmp/sick")


def has_a_wrong_password(apps: Path) -> None:
    prepend(
        apps / "backend/app.py",
        "import os as _os\nimport re as _re\n\n"
        "_os.environ['DBCONNECTIONSTRING'] = _re.sub('://([^:]+):[^@]+@', r'://\\1:wrong@', _os.environ['DBCONNECTIONSTRING'])\n",
    )


def needs_a_variable(apps: Path) -> None:
    prepend(
        apps / "backend/app.py",
        "import os as _os\n\nif 'LICENCE' not in _os.environ:\n    raise SystemExit('LICENCE is not set: want a number')\n",
    )


def fills_its_memory(apps: Path) -> None:
    """Takes 320 MiB where 256 are allowed, and no more where nothing limits it."""
    prepend(apps / "backend/app.py", "_hoard = [bytearray(b'x') * 2**20 for _ in range(320)]\n")


def has_a_failing_migration(apps: Path) -> None:
    numbers = [int(file.name[:4]) for file in (apps / "backend/migrations").glob("*.sql")]
    (apps / f"backend/migrations/{max(numbers) + 1:04}_gauntlet.sql").write_text("select 1 / 0;\n")


def cannot_be_built(apps: Path) -> None:
    file = apps / "Dockerfile"
    file.write_text(file.read_text() + "RUN false\n")


LOST_PREFIX = "gauntlet-lost"


def loses_its_image(fleet: Fleet) -> Strike:
    """Somebody tidies up on the operator's machine after the build."""

    def tidy(_: object) -> None:
        listed = ["docker", "image", "ls", "--quiet", "--filter", f"reference={LOST_PREFIX}/*"]
        images = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()
        subprocess.run(["docker", "image", "rm", "--force", *images], capture_output=True, check=True)

    return Strike("Take the lock", 1, tidy)


def loses_a_host(fleet: Fleet) -> Strike:
    """The frontend through which SSH goes to the backends ends while the first of them gets its new container."""

    def terminate(_: object) -> None:
        fleet.ec2.terminate_instances(InstanceIds=[fleet.instance("frontend-1")["InstanceId"]])

    return Strike("Start the container", 1, terminate)


RELEASES = (
    Release("good", good, "deployed"),
    Release("crashes-at-boot", crashes_at_boot, "rolled back", "this release crashes at boot"),
    Release("frontend-crashes-at-boot", frontend_crashes_at_boot, "rolled back", "this frontend crashes at boot"),
    Release("starts-slowly", starts_slowly, "deployed"),
    Release(
        "becomes-sick",
        becomes_sick,
        "rolled back",
        "gauntlet: sick",
        loses="a sick backend answers until its load balancer has seen two failed health checks",
    ),
    Release("becomes-sick-later", can_become_sick, "deployed", later=backends_become_sick),
    Release("wrong-password", has_a_wrong_password, "rolled back", "password authentication failed"),
    Release("needs-a-variable", needs_a_variable, "rolled back", "LICENCE is not set"),
    Release("fills-its-memory", fills_its_memory, "rolled back", "container:"),
    Release("failing-migration", has_a_failing_migration, "rolled back", "division by zero"),
    Release("cannot-be-built", cannot_be_built, "not begun", "failed"),
    Release(
        "missing-image", good, "rolled back", "is no longer on this machine", prefix=LOST_PREFIX, strike=loses_its_image
    ),
    Release(
        "host-dies",
        good,
        "failed",
        "frontend-1 cannot be reached",
        loses="requests on the host that died, and those sent to it until its load balancer has noticed",
        strike=loses_a_host,
        mends=True,
    ),
)
