"""Which instances are hosts of the environment."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.tandem.platform.plugins.module_utils.look import Look, shown
from ansible_collections.tandem.platform.plugins.module_utils.survey.services import oddity as problem

from tests.support.hostile import texts

HOSTILE = texts(Path("/nonexistent/ran"))


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_no_hostile_name_is_a_host(name: str) -> None:
    look = Look(lambda _service: None, "tandem", "local")
    values = {"Name": "frontend-1", "Tier": "frontend"}
    own = {
        "KeyName": "tandem-local-ssh",
        "IamInstanceProfile": {"Arn": "arn:aws:iam::123456789012:instance-profile/tandem-local-host"},
    }

    def oddity(**other: str) -> str:
        tags = [{"Key": key, "Value": value} for key, value in (values | other).items()]
        return str(problem(look, {**own, "Tags": tags}))

    assert oddity() == ""
    for said in (oddity(Name=name), "-" if name == "frontend" else oddity(Tier=name)):
        assert said
        assert said.isascii()
        assert said.isprintable()
        assert len(said) < 300
    assert shown(name).isprintable()
    told = look.known(f"tandem-local-{name}", "id-1")
    assert told == "id-1" or re.fullmatch("[a-z0-9_-]+", told)
