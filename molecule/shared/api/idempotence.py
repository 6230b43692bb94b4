"""For every scenario of a role that acts on AWS: the second run asked for no change, not even a needless one."""

from localcloud.testing import Endpoint
from tests.support.scenario import second_run


def test_the_second_run_makes_no_mutating_call(endpoint: Endpoint) -> None:
    calls = second_run(endpoint)
    assert calls, "the second run made no call at all: the journal was not marked"
    assert [f"{call['service']}:{call['action']}" for call in calls if call["mutating"]] == []
