"""What is told of a container that failed; and that asking it cannot end a run that still has to put the hosts right."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from ansible_collections.tandem.platform.tests.unit.plugins.modules.helpers import Application, fake_docker

from .rehearsal import Played, Rehearsal

VARIABLES = {"project": "tandem", "health_path": "/readyz", "release_port": 5001, "release__asks": True}
CRASH = "raise RuntimeError('the module crashed')\n"


def play(folder: Path, files: list[str], modules: dict[str, str], **host: Any) -> Played:
    return Rehearsal(folder, {}, {"backend-1": host}, VARIABLES | host, modules).play(
        ("backend", files),
        shows="{{ release_sick if release_sick is defined else release_failure.host ~ ': ' ~ release_failure.logs | join }}",
    )


def test_a_crash_of_the_question_means_sick(tmp_path: Path) -> None:
    done = play(tmp_path, ["sick"], {"container_ready": CRASH})
    assert done.returncode == 0, done.stdout
    assert "SHOWN: True" in done.stdout


def test_one_bad_answer_makes_nobody_sick(tmp_path: Path) -> None:
    fake_docker(tmp_path, """echo '[{"State": {"Status": "running", "ExitCode": 0}, "RestartCount": 0}]'""")
    with Application() as server:
        server.statuses = [503, 200]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = play(tmp_path, ["sick"], {}, release_port=server.server_port)
        server.shutdown()
    assert "SHOWN: False" in done.stdout, done.stdout


def test_a_crash_of_the_question_leaves_a_failure_noted(tmp_path: Path) -> None:
    done = play(tmp_path, ["note"], {"container_ready": CRASH})
    assert done.returncode == 0, done.stdout
    assert "SHOWN: backend-1: " in done.stdout, done.stdout


def test_the_first_answer_counts(tmp_path: Path) -> None:
    """Asked once more, the container has come to itself and says nothing of its trouble."""
    well = "end(ready=True, state='running', answer='200', logs=['all is well'])\n"
    first = {"ready": False, "state": "running", "answer": "503", "logs": ["no licence"]}
    done = play(tmp_path, ["note"], {"container_ready": well}, release__ready=first)
    assert "no licence" in done.stdout, done.stdout
    assert "all is well" not in done.stdout


def test_of_several_that_became_sick_the_first_is_named(tmp_path: Path) -> None:
    """Frontends are ready by the backends: what is wrong with a backend shows on them too."""
    sick = "end(ready=False, msg='sick', state='running', answer='503', logs=[])\n"
    rolled = {"release_rolled": True}
    hosts: dict[str, dict[str, Any]] = {
        "backend-1": rolled,
        "backend-2": rolled,
        "frontend-1": rolled,
        "frontend-2": {},
    }
    done = Rehearsal(tmp_path, {}, hosts, VARIABLES, {"container_ready": sick}).play(
        ("frontend-2", ["earlier"]), shows="{{ release_failure.host }}"
    )
    assert "SHOWN: backend-1" in done.stdout, done.stdout
