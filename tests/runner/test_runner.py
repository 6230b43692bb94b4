"""The runner of `make test`: it counts right, ends what hangs, and never calls a failure a success."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.runner import __main__ as runner
from tests.runner.steps import ROOT, Step, steps


@pytest.fixture(autouse=True)
def _reports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(runner, "REPORTS", tmp_path)
    monkeypatch.setattr(runner, "ROOT", tmp_path)


def step(code: str, results: str = "one", limit: float = 1) -> Step:
    return Step("a step", "for this test", (sys.executable, "-c", code), limit, results)  # type: ignore[arg-type]


def junit(tests: int, failures: int, errors: int, skipped: int) -> str:
    """A program that writes such a report to the file that it is told, as pytest does."""
    suite = f"<testsuites><testsuite tests='{tests}' failures='{failures}' errors='{errors}' skipped='{skipped}'/></testsuites>"
    return f"import sys; open(sys.argv[-1].split('=')[1], 'w').write(\"{suite}\")"


@pytest.mark.parametrize(
    ("code", "results", "passed", "failed"),
    [
        ("pass", "one", 1, 0),
        ("raise SystemExit(3)", "one", 0, 1),
        (junit(5, 0, 0, 1), "junit", 4, 0),
        (junit(5, 1, 1, 0) + "; sys.exit(1)", "junit", 3, 2),
        (junit(5, 0, 0, 0) + "; sys.exit(2)", "junit", 5, 1),
        ("raise SystemExit(4)", "junit", 0, 1),
    ],
)
def test_what_counts_as_passed_and_failed(code: str, results: str, passed: int, failed: int) -> None:
    outcome = runner.run(step(code, results))
    assert (outcome.passed, outcome.failed) == (passed, failed)


def test_a_step_that_hangs_is_ended_with_its_children_and_fails() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
    outcome = runner.run(step(code, limit=0.02))
    assert (outcome.passed, outcome.failed) == (0, 1)


def test_an_old_report_is_not_taken_for_a_new_one() -> None:
    assert runner.run(step(junit(5, 0, 0, 0), "junit")).passed == 5
    assert runner.run(step("pass", "junit")).passed == 1


def test_steps_have_no_input() -> None:
    assert runner.run(step("import sys; sys.exit(len(sys.stdin.read()))")).failed == 0


def test_the_summary_is_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    outcomes = [runner.Outcome("a", 61, 3, 0), runner.Outcome("b", 2, 1, 2)]
    assert runner.summary(outcomes) == 1
    assert runner.summary(outcomes[:1]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "3 passed, 0 failed"


def test_every_test_is_in_a_step() -> None:
    """A test that no step runs would rot."""
    named = [word for step in steps(torture=False) for word in step.command]
    for file in (*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "localcloud/tests").rglob("test_*.py")):
        path = file.relative_to(ROOT)
        runs = [word for word in named if word in (str(path), *map(str, path.parents))]
        assert len(runs) == 1, f"{path} is run by {runs}"
