"""The table of what a call may not ask for, and how it is read."""

from __future__ import annotations

from typing import Any

import pytest
from moto.core.utils import get_service_model

from localcloud.api.rules.unsupported_parameters import RULES, _names, _values


def forward(**config: Any) -> dict[str, Any]:
    return {"DefaultActions": [{"Type": "forward", "ForwardConfig": config}]}


def has(shape: Any, path: str) -> bool:
    """Whether AWS's model has such a member."""
    name, _, rest = path.partition(".")
    shape = shape.member if shape.type_name == "list" else shape
    return name in shape.members and (not rest or has(shape.members[name], rest))


@pytest.mark.parametrize("action", RULES)
def test_every_name_is_aws_own(action: str) -> None:
    """One with a slip of the pen would refuse nothing, or what it should admit."""
    service, name = action.split(":")
    model = get_service_model(service)
    for rule in RULES[action]:
        shapes = [model.operation_model(one.split(":")[1]).input_shape for one in rule["actions"]]
        assert name in model.operation_names
        named = [*rule.get("parameters", ()), *rule.get("unsupported", ())]
        for kind in ("members", "values", "most", "least"):
            named += rule.get(kind, ())
        named += [f"{path}.{one}" for path, members in rule.get("members", {}).items() for one in members]
        assert [path for path in named if not any(has(shape, path) for shape in shapes)] == []


@pytest.mark.parametrize(("action", "refused", "accepted"), [
    ("elbv2:CreateListener", forward(TargetGroups=[{}, {}]), forward(TargetGroups=[{}])),
    ("elbv2:CreateListener", forward(TargetGroups=[{"Weight": 0}]), forward(TargetGroups=[{"Weight": 5}])),
    ("elbv2:CreateListener", forward(TargetGroupStickinessConfig={"Enabled": True}),
     forward(TargetGroupStickinessConfig={"Enabled": False})),
    ("elbv2:CreateListener", {"DefaultActions": [{"Type": "forward"}, {"Type": "authenticate-oidc"}]},
     {"DefaultActions": [{"Type": "redirect"}]}),
    ("elbv2:CreateRule", {"Conditions": [{"Field": "path-pattern"}, {"Field": "source-ip"}]},
     {"Conditions": [{"Field": "path-pattern"}, {"Field": "host-header"}]}),
    ("elbv2:CreateLoadBalancer", {"SubnetMappings": [{"SubnetId": "s", "AllocationId": "a"}]},
     {"SubnetMappings": [{"SubnetId": "s"}]}),
    ("ec2:CreateNetworkInterface", {"PrivateIpAddresses": [{}, {}]}, {"PrivateIpAddresses": [{}]}),
    ("ec2:CreateNatGateway", {"ConnectivityType": "private"}, {"ConnectivityType": "public"}),
    ("ec2:CreateVpcEndpoint", {"VpcEndpointType": "Interface"}, {"VpcEndpointType": ""}),
    ("ec2:ModifyVpcAttribute", {"EnableDnsSupport": {"Value": False}}, {"EnableDnsSupport": {"Value": True}}),
    ("rds:ModifyDBInstance", {"MultiAZ": True}, {"MultiAZ": False}),
    ("ssm:PutParameter", {"Policies": "[{}]"}, {"Policies": ""}),
])  # fmt: skip
def test_what_is_refused_and_its_twin(action: str, refused: dict[str, Any], accepted: dict[str, Any]) -> None:
    def reasons(params: dict[str, Any]) -> list[str]:
        return [why for rule in RULES[action] for why in (*_values(rule, params), *_names(rule, params))]

    assert len(reasons(refused)) == 1
    assert reasons(accepted) == []
