"""Role teardown: the account is what it was before, but for the database's last snapshot."""

import json
import os
from pathlib import Path

from localcloud.testing import Endpoint
from tests.support.account import listing


def test_nothing_is_left_but_the_final_snapshot(endpoint: Endpoint) -> None:
    before = set(json.loads((Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "before.json").read_text()))
    now = listing(endpoint.client)
    assert before <= now
    (snapshot,) = now - before
    assert snapshot.startswith("rds:DBSnapshots:tandem-molecule-final-")


def test_something_was_there_to_delete(endpoint: Endpoint) -> None:
    deleted = {call["action"] for call in endpoint.journal(mutating=True) if call["error"] is None}
    assert {"TerminateInstances", "DeleteLoadBalancer", "DeleteDBInstance", "DeleteNatGateway", "DeleteVpc"} <= deleted
