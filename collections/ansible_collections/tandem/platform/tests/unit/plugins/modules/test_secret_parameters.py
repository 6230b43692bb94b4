"""Secrets against a running API: made once, whoever is quicker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tandem.platform.plugins.module_utils.preflight.settings import password_problem
from ansible_collections.tandem.platform.plugins.modules import secret_parameters
from cryptography.hazmat.primitives import serialization

from localcloud.testing import Endpoint


def test_a_secret_is_made_once(cloud: Endpoint) -> None:
    ssm = cloud.client("ssm")
    assert secret_parameters.ensure(ssm, "/t/once", "password", {}, check_mode=True) == (None, True)
    value, made = secret_parameters.ensure(ssm, "/t/once", "password", {"Project": "t"}, check_mode=False)
    assert made
    assert len(value) == secret_parameters.PASSWORD_LENGTH
    assert secret_parameters.ensure(ssm, "/t/once", "password", {}, check_mode=False) == (value, False)
    [parameter] = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": ["/t/once"]}])["Parameters"]
    assert parameter["Type"] == "SecureString"


def test_of_two_makers_one_wins(cloud: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second sees no parameter, makes one, and finds that the first was quicker."""
    ssm = cloud.client("ssm")
    first, _dummy = secret_parameters.ensure(ssm, "/t/race", "password", {}, check_mode=False)
    stored, looks = secret_parameters.stored, []

    def late(client: Any, name: str) -> str | None:
        looks.append(name)
        return None if len(looks) == 1 else stored(client, name)

    monkeypatch.setattr(secret_parameters, "stored", late)
    assert secret_parameters.ensure(ssm, "/t/race", "password", {}, check_mode=False) == (first, False)


def test_an_ssh_key_has_two_halves() -> None:
    private = secret_parameters.new_ssh_key()
    public = serialization.load_ssh_public_key(secret_parameters.public_half(private).encode())
    loaded = serialization.load_ssh_private_key(private.encode(), None)
    signature = loaded.sign(b"text")
    public.verify(signature, b"text")


def test_a_lost_ssh_key_is_put_back_from_the_copy_that_fits_and_from_no_other(tmp_path: Path) -> None:
    own, other = secret_parameters.new_ssh_key(), secret_parameters.new_ssh_key()
    copy = tmp_path / "id_ed25519"
    with pytest.raises(secret_parameters.NoCopyError, match="cannot be read"):
        secret_parameters.copied(str(copy), secret_parameters.public_half(own))
    for text, problem in ((other, "another key"), ("", "no private key"), ("\0\xff", "no private key")):
        copy.write_text(text)
        with pytest.raises(secret_parameters.NoCopyError, match=problem):
            secret_parameters.copied(str(copy), secret_parameters.public_half(own))
    copy.write_text(own)
    for known in (secret_parameters.public_half(own), secret_parameters.public_half(own) + " tandem-ssh", ""):
        assert secret_parameters.copied(str(copy), known) == own


def test_a_made_password_is_allowed() -> None:
    assert password_problem(secret_parameters.new_password()) == ""
