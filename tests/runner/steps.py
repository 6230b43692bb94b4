"""The steps of `make test` and `make torture`, cheapest first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Tests of what Ansible runs.
UNIT = "collections/ansible_collections/tandem/platform/tests/unit"
# Folders of tests that are steps of their own; all other tests need no cloud and run in `fast`.
OWN_STEPS = ("apps", "molecule", "whole")
# Each plays provision.yml several times, for minutes.
LONGEST = [f"tests/playbooks/test_{name}.py" for name in ("provision", "strangers")]


@dataclass(frozen=True)
class Step:
    """name: on the command line and in the summary. limit: minutes after which it is ended as failed.

    results: what counts as passed and failed: junit (pytest's own count) or one (the step as a whole).
    """

    name: str
    what: str
    command: tuple[str, ...]
    limit: int
    results: str = "one"
    environment: tuple[tuple[str, str], ...] = ()


def steps(torture: bool) -> list[Step]:
    """All steps. torture: everything that is long by nature in full, instead of a sample."""
    return [
        Step("lint", "ansible-lint, ansible-test sanity, yamllint, ruff, mypy, shellcheck", ("bin/lint",), 12),
        pytest("fast", "templates, access matrix, filters, argument specs, teardown; no cloud", _fast(), 30, workers=3),
        pytest("apps", "both applications against a real PostgreSQL and a browser", _apps(torture), 10, workers=4),
        pytest("api", "the local cloud's API", _localcloud(cloud=False), 10, workers=2),
        pytest("dataplane", "the local cloud by real packets", _localcloud(cloud=True), 30, workers=5),
        pytest("roles", "the roles' molecule scenarios", ["tests/molecule"], 25, workers=2),
        pytest("whole", "the whole deployment on a local cloud", ["tests/whole"], 180 if torture else 55, workers=2),
    ]


def pytest(name: str, what: str, paths: list[str], limit: int, workers: int = 0) -> Step:
    """A step of pytest. Its tests' own time limits are tighter than the step's.

    workers: more than there are processors where tests wait more than they compute. A file's tests stay on one worker,
    unless its folder says otherwise (tests/support/spread.py). Files begin in the order of `paths`, not, as is xdist's
    way, those with most tests first: what takes longest is often a single test.
    """
    options = ["-q", "--color=no", "--durations=5", f"--timeout={min(limit * 60, 1500)}"]
    if workers:
        options += ["-n", str(workers), "--dist=loadfile", "--no-loadscope-reorder"]
    return Step(name, what, ("python", "-m", "pytest", *options, *paths), limit, results="junit")


def _apps(torture: bool) -> list[str]:
    return ["tests/apps", "tests/apps/mutants.py"] if torture else ["tests/apps"]


def _fast() -> list[str]:
    files = (file.relative_to(ROOT) for file in sorted((ROOT / "tests").rglob("test_*.py")))
    others = [str(file) for file in files if file.parts[1] not in OWN_STEPS and str(file) not in LONGEST]
    return [*LONGEST, *others, UNIT]


def _localcloud(cloud: bool) -> list[str]:
    """The tests of the local cloud: those of the API are in folder `api`, all others send packets."""
    folder = ROOT / "localcloud/tests"
    # Backwards too: what waits longest is at the end.
    files = sorted(folder.rglob("test_*.py"), reverse=True)
    return [str(file.relative_to(ROOT)) for file in files if (folder / "api" not in file.parents) is cloud]
