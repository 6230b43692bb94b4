"""Records of releases: numbers, interrupted ones, which release is current and which was before it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.tandem.platform.plugins.module_utils.release.records import missing, specifications
from ansible_collections.tandem.platform.plugins.modules import release_facts, release_record
from botocore.exceptions import ClientError

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
    for _dummy in range(15):
        release_record.begin(records, {"action": "deploy"}, TAGS, keep=3)
    assert sorted(records.look().records) == [13, 14, 15]


def test_the_current_release_is_not_forgotten_over_failed_ones(records: Any) -> None:
    for fields in (deploy("deployed", 1), deploy("deployed", 2), rollback(1, 3)):
        release_record.begin(records, fields, TAGS, keep=3)
    for _dummy in range(5):
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
    records.ssm.put_parameter(
        Name=f"{PREFIX}/release/lock", Value='{"id": "1", "who": "me"}', Type="String", aws_retry=True
    )
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


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("000003", "not json", "it is not JSON"),
        ("000003", "[" * 4000, "it is not JSON"),
        ("000003", "7", "it is not a JSON object"),
        ("000003", '{"number": 3}', "its action is none of"),
        ("000003", json.dumps(deploy("finished", 3)), "its result is none of"),
        ("000003", json.dumps(deploy([], 3)), "its result is none of"),
        ("000003", json.dumps(deploy("deployed", 4)), "its number is not 3"),
        ("000003", json.dumps(rollback(9, 3)), "its release is not one"),
        ("000003", json.dumps(deploy("deployed", 3) | {"release": True}), "its release is not one"),
        ("000003", json.dumps(deploy("deployed", 3) | {"version": "1\u001b[2J"}), "its version is not"),
        ("000003", json.dumps(deploy("deployed", 3) | {"version": "9" * 41}), "its version is not"),
        ("000003", json.dumps(deploy("deployed", 3) | {"images": {"backend": "$(id)"}}), "its images are not"),
        ("000003", json.dumps(deploy("deployed", 3) | {"started": "now"}), "its started is no time"),
        ("000003", json.dumps(deploy("deployed", 3) | {"finished": 1e300}), "its finished is no time"),
        ("more/000003", json.dumps(deploy("deployed", 3)), "its name is not"),
        ("9999999999", json.dumps(deploy("deployed", 9999999999)), "its name is not"),
        ("lock", "not json", "it is not JSON"),
        ("lock", "{}", "it has no id"),
    ],
)
def test_what_is_no_record_is_named_and_the_rest_is_there(records: Any, name: str, value: str, problem: str) -> None:
    for number in (1, 2):
        records.write(deploy("deployed", number) | {"version": "1.1", "images": {"backend": "tandem/backend:1"}}, TAGS)
    path = f"{PREFIX}/release/{name}"
    records.ssm.put_parameter(Name=path, Value=value, Type="String", aws_retry=True)
    found = records.look()
    assert list(found.records) == [1, 2]
    assert [item["name"] for item in found.malformed] == [path]
    words = found.malformed[0]["words"]
    assert problem in words
    assert words.endswith(f"aws ssm delete-parameter --name {path}")
    assert words.isprintable()
    assert missing(found) == []
    begun = release_record.begin(records, {"action": "deploy"}, TAGS, keep=30)
    assert begun["number"] == (4 if name == "000003" else 3), "its number is not given again"


def test_what_is_not_to_be_seen_does_not_reach_a_terminal(records: Any) -> None:
    mean = {"who": "me\x1b[2J\u202e", "reason": "a\nb\x9b", "shell": "$(id)"}
    records.write(deploy("deployed", 1) | mean, TAGS)
    record = records.look().records[1]
    assert (record["who"], record["reason"]) == ("me [2J ", "a b?")
    assert "shell" not in record


def host(running: int, *kept: int, tier: str = "backend", **more: Any) -> dict[str, Any]:
    """What a host of a tier says of itself."""
    settings = [
        {"release": number, "name": tier, "version": f"1.{number}", "image": f"tandem/{tier}:{number}"}
        for number in kept
    ]
    text = "".join(json.dumps(one, indent=2) + "\n" for one in settings)
    return {"running": {"release": running, "version": f"1.{running}"}, "kept": specifications(text), **more}


@pytest.mark.parametrize(
    ("lost", "hosts", "rebuilt"),
    [
        ({1, 2, 3}, [host(3, 1, 2, 3)], {1: "deployed", 2: "deployed", 3: "deployed"}),
        ({1, 2, 3}, [host(1, 1), host(3, 1, 3, tier="frontend")], {1: "deployed", 2: "unknown", 3: "deployed"}),
        ({1, 2, 3}, [host(3)], {3: "deployed"}),
        ({1, 2, 3}, [host(1, 1, 2)], {1: "deployed", 2: "unknown"}),
        ({1, 2, 3}, [host(0, kept=specifications("no JSON"))], {}),
        ({1, 2, 3}, [host(0, 1), host(0)], {1: "unknown"}),
        ({1}, [host(3, 1, 2, 3)], {1: "deployed"}),
        ({1}, [host(3, 2, 3)], {1: "unknown"}),
        ({2}, [host(3, 1, 2, 3)], {2: "deployed"}),
        ({3}, [host(3, 1, 2, 3)], {3: "deployed"}),
        ({3}, [host(2, 1, 2)], {}),
        (set(), [host(3, 1, 2, 3)], {}),
    ],
)
def test_lost_records_are_rebuilt_from_what_hosts_run_and_keep(
    records: Any, lost: set[int], hosts: list[dict[str, Any]], rebuilt: dict[int, str]
) -> None:
    for number in {1, 2, 3} - lost:
        records.write(deploy("deployed", number), TAGS)
    before = records.look().records
    release_record.rebuild(records, hosts, TAGS, check_mode=True)
    assert records.look().records == before
    made = release_record.rebuild(records, hosts, TAGS, check_mode=False)
    found = records.look()
    assert found.malformed == []
    assert {record["number"]: record["result"] for record in made} == rebuilt
    assert found.records.keys() == before.keys() | rebuilt.keys()
    assert all(found.records[number]["rebuilt"] for number in rebuilt)
    assert missing(found, [one["running"]["release"] for one in hosts if one["running"]["release"]]) == []
    assert release_record.rebuild(records, hosts, TAGS, check_mode=False) == []


def test_a_rebuilt_record_says_what_ran(records: Any) -> None:
    hosts = [host(2, 1, 2), host(2, 1, 2, tier="frontend")]
    release_record.rebuild(records, hosts, TAGS, check_mode=False)
    record = records.look().records[2]
    assert (record["version"], record["action"]) == ("1.2", "deploy")
    assert record["images"] == {"backend": "tandem/backend:2", "frontend": "tandem/frontend:2"}


def test_what_a_host_says_is_not_believed_blindly(records: Any) -> None:
    mean = {"release": 1, "name": "backend", "version": "1\n2", "image": "x; id"}
    kept = json.dumps(mean) + json.dumps({"release": "2"}) + json.dumps([1]) + json.dumps({"release": True})
    release_record.rebuild(records, [host(1, kept=specifications(kept))], TAGS, check_mode=False)
    found = records.look()
    assert found.malformed == []
    assert (found.records[1]["version"], found.records[1]["images"]) == ("1.1", {})


def test_pruned_records_are_not_lost(records: Any) -> None:
    for number in (1, *range(5, 35)):
        records.write(deploy("deployed" if number == 1 else "failed", number), TAGS)
    assert missing(records.look()) == []
    records.prune([20])
    assert missing(records.look()) == [20]
