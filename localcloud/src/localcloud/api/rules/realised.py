"""What the local cloud makes real, what it only records, and what it refuses because it can do neither.

An API call whose effect the local cloud would have to make real and cannot is refused with the code NotRealised.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from moto.core.utils import get_service_model

from ..errors import AwsError
from ..request import Call

MANY = 50  # actions in a row of the table


@dataclass(frozen=True)
class Part:
    """Some actions of a service. actions: a regular expression for the whole name. note: for the documentation."""

    service: str
    actions: str
    note: str


REALISED = (
    Part("ec2", "(Create|Delete)(Vpc|Subnet|RouteTable|Route|InternetGateway|NatGateway)|ReplaceRoute(TableAssociation)?|"
         "(Attach|Detach)InternetGateway|(Associate|Disassociate)RouteTable|(Create|Delete)DefaultVpc|CreateDefaultSubnet|"
         "ModifySubnetAttribute|(Associate|Disassociate)VpcCidrBlock",
         "networks as namespaces and bridges; routes and NAT by the kernel"),
    Part("ec2", "(Create|Delete)SecurityGroup|(Authorize|Revoke)SecurityGroup(Ingress|Egress)|ModifySecurityGroupRules|"
         "UpdateSecurityGroupRuleDescriptions(Ingress|Egress)", "packet filters outside the guests"),
    Part("ec2", "(Run|Start|Stop|Reboot|Terminate)Instances|ModifyInstance(Attribute|MetadataOptions)|ResetInstanceAttribute|"
         "(Create|Delete|Attach|Detach)NetworkInterface|ModifyNetworkInterfaceAttribute",
         "Debian 13 system containers with the metadata service"),
    Part("ec2", "(Allocate|Release|Associate|Disassociate)Address", "public addresses of the simulated internet"),
    Part("ec2", "(Create|Delete|Import)KeyPair", "the key reaches the instance"),
    Part("elbv2", "(Create|Delete|Modify)(LoadBalancer|Listener|Rule|TargetGroup)|Modify(LoadBalancer|TargetGroup)Attributes|"
         "(Register|Deregister)Targets|Set(RulePriorities|SecurityGroups|Subnets)",
         "HTTP application load balancers: HAProxy with real health checks"),
    Part("rds", "(Create|Delete|Modify|Reboot|Start|Stop)DBInstance|(Create|Delete|Modify)DBParameterGroup|"
         "(Create|Delete|Modify)DBSubnetGroup|(Create|Delete)DBSnapshot|RestoreDBInstanceFromDBSnapshot",
         "PostgreSQL 17 with TLS, whatever version is asked for"),
    Part("sts", ".*", "credentials of users and assumed roles work, with the roles' policies"),
    Part("s3", "(?!PutBucket(Policy|Website|Replication|Lifecycle|Notification|Logging|RequestPayment|Accelerate|Analytics|"
         "Inventory|Metrics|IntelligentTiering)).*", "objects are kept in the API's memory"),
    Part("ssm", "(Put|Delete|Label|Unlabel)Parameters?(Version)?", "parameters are kept in the API's memory"),
    Part("secretsmanager", "(Create|Update|Put|Delete|Restore|Tag|Untag).*", "secrets are kept in the API's memory"),
    Part("logs", "(Create|Delete|Put)(LogGroup|LogStream|LogEvents|RetentionPolicy)", "events are kept; none expires"),
    Part("dynamodb", "(Create|Delete|Update|Put|BatchWrite|TransactWrite).*", "items are kept in the API's memory"),
    Part("sqs", ".*", "messages are kept in the API's memory"),
    Part("kms", ".*", "keys work inside the API; volumes and databases are not encrypted with them"),
    Part("iam", ".*", "policies of users, groups and roles are enforced, with resources, conditions and boundaries"),
)  # fmt: skip

RECORDED = (
    Part("ec2", "(Create|Delete)Tags|ModifyVpcAttribute", "DNS names are always on"),
    Part("ec2", "(Create|Delete|Attach|Detach|Modify)Volume|(Create|Delete)Snapshot", "a guest sees no disks"),
    Part("ec2", "(Associate|Disassociate|Replace)IamInstanceProfile.*", "the profile is seen in the metadata"),
    Part("ec2", "(Create|Delete|Modify)LaunchTemplate(Version)?s?", "used by RunInstances"),
    Part("ec2", "(Monitor|Unmonitor)Instances|(Enable|Disable)EbsEncryptionByDefault|ModifyInstanceCreditSpecification", ""),
    Part("ec2", "(Create|Delete|Modify)VpcEndpoints?", "gateway endpoints only: nothing is routed to them"),
    Part("ec2", "(Create|Delete)FlowLogs", "no log is written"),
    Part("elbv2", "(Add|Remove)Tags", ""),
    Part("rds", "(Add|Remove)Tags(To|From)Resource|(Create|Delete|Modify)(DBSecurityGroup|OptionGroup)", ""),
    Part("ssm", "(Add|Remove)Tags(To|From)Resource", ""),
    Part("logs", ".*(Tag|MetricFilter|SubscriptionFilter|ResourcePolicy).*|DeleteRetentionPolicy", ""),
    Part("cloudwatch", ".*", "alarms are never evaluated; metrics are what clients put"),
    Part("sns", ".*", "nothing is delivered"),
    Part("acm", ".*", "no listener uses the certificates"),
    Part("budgets", ".*", ""),
    Part("resourcegroupstaggingapi", ".*", "tags"),
    Part("resource-groups", ".*", ""),
    Part("service-quotas", "", "reads only"),
    Part("ce", "", "reads only"),
    Part("account", "", "reads only"),
    Part("elb", "", "reads only"),
    Part("autoscaling", "", "reads only"),
    Part("ecs", "", "reads only"),
    Part("eks", "", "reads only"),
    Part("ecr", "", "reads only"),
    Part("lambda", "", "reads only"),
    Part("route53", "", "reads only"),
    Part("cloudformation", "", "reads only"),
    Part("cloudtrail", "", "reads only"),
    Part("elasticache", "", "reads only"),
    Part("efs", "", "reads only"),
)  # fmt: skip

SERVICES = sorted({part.service for part in REALISED + RECORDED})


def _actions_of(service: str) -> re.Pattern[str]:
    """Matches the changing actions of the service that are realised or recorded."""
    parts = [part.actions for part in REALISED + RECORDED if part.service == service and part.actions]
    return re.compile("|".join(f"(?:{one})" for one in parts) or "(?!)")


_ACTIONS = {service: _actions_of(service) for service in SERVICES}


def refuse_action(call: Call) -> None:
    """Raise NotRealised for services and changing actions that are on no list."""
    if call.service not in SERVICES:
        raise not_realised(call, "the service is not part of the local cloud")
    if call.is_change and not _ACTIONS[call.service].fullmatch(call.action):
        raise not_realised(call, "the local cloud cannot make its effect real")


def not_realised(call: Call, why: str) -> AwsError:
    return AwsError("NotRealised", f"{call.name}: {why}. `localcloud actions` lists what is real.")


def rows(service: str | None = None) -> Iterator[tuple[str, str, str, str]]:
    """(service, action, real or recorded only, how) of each changing action, of a service or of all."""
    for kind, part in _parts():
        if service in (None, part.service):
            yield from ((part.service, action, kind, part.note) for action in _names(part))


def markdown() -> str:
    """The table for README.md."""
    lines = ["| service | changing actions | | how |", "| --- | --- | --- | --- |"]
    for kind, part in _parts():
        names = _names(part)
        text = ", ".join(names) if len(names) < MANY else f"{len(names)} actions: `localcloud actions {part.service}`"
        lines.append(f"| {part.service} | {text} | {kind} | {part.note} |")
    return "\n".join([*lines, "| all others | all others | refused (`NotRealised`) | |"])


def _parts() -> Iterator[tuple[str, Part]]:
    yield from (("real", part) for part in REALISED)
    yield from (("recorded only", part) for part in RECORDED)


def _names(part: Part) -> list[str]:
    """The names of a part's actions, as AWS writes them."""
    if part.actions in ("", ".*"):
        return ["all" if part.actions else "none"]
    return [name for name in get_service_model(part.service).operation_names if re.fullmatch(part.actions, name)]
