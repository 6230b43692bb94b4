"""The caller's AWS settings do not affect the local cloud or commands in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from localcloud import entry
from localcloud.api.iam.credentials import Credentials
from localcloud.settings import ACCOUNT_ID, Settings
from localcloud.testing import api

MINE = {
    "AWS_PROFILE": "nobody",
    "AWS_DEFAULT_PROFILE": "nobody",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ENDPOINT_URL_EC2": "http://127.0.0.1:9",
    "AWS_SESSION_TOKEN": "mine",
    "AWS_ROLE_ARN": "arn:aws:iam::000000000000:role/mine",
    "AWS_CA_BUNDLE": "/nowhere/ca.pem",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "EC2_URL": "http://127.0.0.1:9",
    "S3_URL": "http://127.0.0.1:9",
    "MOTO_ACCOUNT_ID": "000000000000",
    "https_proxy": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
}


@pytest.fixture
def mine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment of an AWS user: variables, and a configuration file that cannot be parsed."""
    broken = tmp_path / ".aws" / "config"
    broken.parent.mkdir()
    broken.write_text("[no end")
    for name, value in {**MINE, "HOME": str(tmp_path), "AWS_CONFIG_FILE": str(broken)}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("mine")
def test_the_api_alone_starts_and_is_its_own_account(monkeypatch: pytest.MonkeyPatch) -> None:
    with api() as endpoint:
        monkeypatch.undo()  # the test's own client needs a clean environment
        assert endpoint.client("sts").get_caller_identity()["Account"] == ACCOUNT_ID


@pytest.mark.usefixtures("mine")
def test_the_daemon_starts() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "localcloud.daemon", "none"], check=False, capture_output=True, text=True
    )
    assert done.stderr.startswith("no local cloud 'none' is registered")


@pytest.mark.usefixtures("mine")
def test_a_command_sees_this_cloud_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = Settings(name="environment", state_root=tmp_path)
    settings.state_dir.mkdir()
    Credentials("AKIA", "secret").write(settings.state_dir / "credentials.json")
    kept = {"AWS_REGION": "eu-west-1", "AWS_MAX_ATTEMPTS": "9", "AWS_PAGER": ""}
    for name, value in kept.items():
        monkeypatch.setenv(name, value)
    seen = entry.environment(settings)
    assert not {"https_proxy", "ALL_PROXY"} & seen.keys()  # the simulated internet has none
    assert {name: value for name, value in seen.items() if name.startswith(("AWS_", "EC2_", "S3_", "MOTO_"))} == {
        **kept,
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": settings.endpoint_url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(settings.state_dir / "aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
