"""provision.yml by a user who has the rights of docs/operator-policy.json and no other."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from localcloud.testing import Endpoint, without_aws

from .conftest import ROOT, Playbook


def test_the_operator_provisions_and_provisions_again(playbook: Playbook, cloud: Endpoint) -> None:
    environment = {**without_aws(), **cloud.environment, "PATH": os.environ["PATH"]}
    hired = subprocess.run(
        [sys.executable, "-m", "tests.whole.operator"], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    key = json.loads(hired.stdout)
    for changes in (True, False):
        done = playbook("provision", environment=key)
        assert done.returncode == 0, done.stdout
        assert ("changed=0 " not in done.stdout) == changes
    refused = [call for call in cloud.journal() if call["error"] in ("UnauthorizedOperation", "AccessDenied")]
    assert refused == []
