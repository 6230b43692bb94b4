"""Records of releases: numbers, interrupted ones, which release is current and which was before it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .modules import load

release_record = load("release", "release_record")
release_facts = load("release", "release_facts")
PREFIX = "/tandem/test"
TAGS = {"Project": "tandem"}


@pytest.fixture
def records(ssm: Any) -> Any:
    return release_record.Writer(ssm, PREFIX)


def deploy(result: str, number: int) -> dict[str, Any]:
    return {"number": number, "release": number, "action": "deploy", "result": result}


def rollback(to: int, number: int, result: str = "deployed") -> dict[str, Any]:
    return {"number": number, "release": to, "action": "rollback", "result": result}


@pytest.mark.parametrize(
    ("history", "lineage"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([deploy("deployed", 1)], [1], id="the first"),
        pytest.param([deploy("deployed", 1), deploy("deployed", 2)], [1, 2], id="two"),
        pytest.param([deploy("deployed", 1), deploy("rolled back", 2)], [1], id="one that failed"),
        pytest.param([deploy("deployed", 1), deploy("rolling", 2)], [1], id="one under way"),
        pytest.param([deploy("deployed", 1), deploy("deployed", 2), rollback(1, 3)], [1], id="back"),
        pytest.param(
            [deploy("deployed", 1), deploy("deployed", 2), deploy("deployed", 3), rollback(2, 4)],
            [1, 2],
            id="back, and again",
        ),
        pytest.param(
            [deploy("deployed", 1), deploy("deployed", 2), rollback(1, 3, "rolled back")],
            [1, 2],
            id="a rollback that failed",
        ),
        pytest.param(
            [deploy("deployed", 1), deploy("deployed", 2), rollback(1, 3), deploy("deployed", 4)],
            [1, 4],
            id="on after back",
        ),
        pytest.param(
            [deploy("deployed", 1), deploy("deployed", 2), rollback(1, 3), deploy("deployed", 4), rollback(2, 5)],
            [1, 2],
            id="to what was gone back from",
        ),
        pytest.param([rollback(1, 3), deploy("deployed", 4)], [1, 4], id="a record that is no longer kept"),
    ],
)
def test_what_led_to_the_current_release(history: list[dict[str, Any]], lineage: list[int]) -> None:
    current, known = release_facts.lineages(history)
    assert current == lineage
    assert known.get(lineage[-1] if lineage else 0, []) == lineage


def test_numbers_count_up_and_what_was_under_way_was_interrupted(records: Any) -> None:
    first = release_record.begin(records, {"action": "deploy"}, TAGS, keep=30)
    second = release_record.begin(records, {"action": "deploy"}, TAGS, keep=30)
    assert (first["number"], second["number"]) == (1, 2)
    kept = records.look().records
    assert (kept[1]["result"], kept[2]["result"]) == ("interrupted", "rolling")
    assert kept[1]["finished"]


def test_old_records_go_and_numbers_are_not_given_again(records: Any) -> None:
    for _ in range(15):
        release_record.begin(records, {"action": "deploy"}, TAGS, keep=3)
    assert sorted(records.look().records) == [13, 14, 15]


def test_the_current_release_is_not_forgotten_over_failed_ones(records: Any) -> None:
    for fields in (deploy("deployed", 1), deploy("deployed", 2), rollback(1, 3)):
        release_record.begin(records, fields, TAGS, keep=3)
    for _ in range(5):
        release_record.begin(records, {"action": "deploy", "result": "rolled back"}, TAGS, keep=3)
    assert {1, 3} <= records.look().records.keys()
    assert release_facts.lineages(records.look().records.values())[0] == [1]


def test_a_retry_after_a_lost_answer_finds_its_own_record(records: Any) -> None:
    record = release_record.begin(records, {"action": "deploy"}, TAGS, keep=30)
    records.write(record, TAGS)
    with pytest.raises(ClientError, match="ParameterAlreadyExists"):
        records.write(record | {"who": "somebody else"}, TAGS)


def test_a_long_reason_is_cut_to_what_a_parameter_holds(records: Any) -> None:
    record = release_record.begin(records, {"action": "deploy"}, TAGS, keep=30)
    records.write(record | {"reason": 'schlecht "' * 2000})
    value = records.ssm.get_parameter(Name=f"{PREFIX}/release/000001", aws_retry=True)["Parameter"]["Value"]
    assert len(value) <= 4096
    assert json.loads(value)["reason"].startswith("schlecht")


def test_the_lock_lies_beside_the_records_and_is_none(records: Any) -> None:
    release_record.begin(records, {"action": "deploy"}, TAGS, keep=30)
    records.ssm.put_parameter(Name=f"{PREFIX}/release/lock", Value='{"id": "1", "who": "me"}', Type="String", aws_retry=True)
    found = records.look()
    assert list(found.records) == [1]
    assert found.lock == {"id": "1", "who": "me"}


def test_a_reason_with_a_template_in_it_is_kept(records: Any) -> None:
    """Parameter Store refuses values with double brackets."""
    record = release_record.begin(records, {"action": "deploy"}, TAGS, 30)
    records.write(record | {"result": "failed", "reason": "'{{ nobody }}' is undefined"})
    value = records.ssm.get_parameter(Name=records.name(1))["Parameter"]["Value"]
    assert "{{" not in value
    assert "nobody" in value
