"""The output of `make status` and `make releases`: what a playbook says, and nothing of how it comes to say it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.cloud import ROOT

PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - { name: Prepare, ansible.builtin.set_fact: { word: table } }
    - { name: Say, ansible.builtin.debug: { msg: "the {{ word }}" } }
    - { name: Fail, ansible.builtin.fail: { msg: the reason }, when: fails | default(false) | bool }
"""


def play(tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    playbook = tmp_path / "say.yml"
    playbook.write_text(PLAYBOOK)
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c", "local"]
    environment = {**os.environ, "ANSIBLE_STDOUT_CALLBACK": "tandem.platform.plain", "ANSIBLE_NOCOLOR": "1"}
    return subprocess.run(
        [*command, str(playbook), *options], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_only_what_a_playbook_says_is_shown(tmp_path: Path) -> None:
    done = play(tmp_path)
    assert (done.returncode, done.stdout) == (0, "the table\n"), done.stderr


def test_a_failure_is_told_on_standard_error(tmp_path: Path) -> None:
    done = play(tmp_path, "-e", "fails=true")
    assert (done.returncode, done.stdout) == (2, "the table\n")
    assert "localhost: the reason" in done.stderr
