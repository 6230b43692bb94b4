"""Preflight asks the account, and changes nothing."""

from __future__ import annotations

from tests.support.api import Endpoint

from .conftest import Playbook


def test_the_account_is_asked(playbook: Playbook, cloud: Endpoint) -> None:
    good = playbook("preflight")
    assert good.returncode == 0, good.stdout
    assert "account 123456789012" in good.stdout
    bad = playbook("preflight", "-e", "instance_type=t4g.micro", "-e", "db_instance_class=db.t9.nano")
    assert bad.returncode != 0
    assert "2 problems, nothing was made." in bad.stdout
    assert "its architecture is arm64" in bad.stdout
    assert "db_instance_class = db.t9.nano" in bad.stdout
    assert cloud.journal(mutating=True) == []
    assert "Traceback" not in bad.stdout + bad.stderr
