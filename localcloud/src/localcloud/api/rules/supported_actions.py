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

MANY = 24  # actions in a row of the table


@dataclass(frozen=True)
class Actions:
    """Some actions of a service. pattern: a regular expression for the whole name. note: for the documentation."""

    service: str
    pattern: str
    note: str


REAL = (
    Actions("ec2", "(Create|Delete)(Vpc|Subnet|RouteTable|Route|InternetGateway|NatGateway)|ReplaceRoute(TableAssociation)?|"
         "(Attach|Detach)InternetGateway|(Associate|Disassociate)RouteTable|(Create|Delete)DefaultVpc|CreateDefaultSubnet|"
         "ModifySubnetAttribute|(Associate|Disassociate)VpcCidrBlock",
         "networks as namespaces and bridges; routes and NAT by the kernel"),
    Actions("ec2", "(Create|Delete)SecurityGroup|(Authorize|Revoke)SecurityGroup(Ingress|Egress)|ModifySecurityGroupRules|"
         "UpdateSecurityGroupRuleDescriptions(Ingress|Egress)", "packet filters outside the guests"),
    Actions("ec2", "(Run|Start|Stop|Reboot|Terminate)Instances|ModifyInstance(Attribute|MetadataOptions)|ResetInstanceAttribute|"
         "(Create|Delete|Detach)NetworkInterface|ModifyNetworkInterfaceAttribute",
         "Debian 13 system containers with the metadata service"),
    Actions("ec2", "(Allocate|Release|Associate|Disassociate)Address", "public addresses of the simulated internet"),
    Actions("ec2", "(Create|Delete|Import)KeyPair", "the key reaches the instance"),
    Actions("elbv2", "(Create|Delete|Modify)(LoadBalancer|Listener|Rule|TargetGroup)|Modify(LoadBalancer|TargetGroup)Attributes|"
         "(Register|Deregister)Targets|Set(RulePriorities|SecurityGroups|Subnets)",
         "HTTP application load balancers: HAProxy with real health checks"),
    Actions("rds", "(Create|Delete|Modify|Reboot|Start|Stop)DBInstance|(Create|Delete|Modify)DBParameterGroup|"
         "(Create|Delete|Modify)DBSubnetGroup|(Create|Delete)DBSnapshot|RestoreDBInstanceFromDBSnapshot",
         "PostgreSQL 17 with TLS, whatever version is asked for"),
    Actions("sts", ".*", "credentials of users and assumed roles work, with the roles' policies"),
    Actions("s3", "(?!PutBucket(Policy|Website|Replication|Lifecycle|Notification|Logging|RequestPayment|Accelerate|Analytics|"
         "Inventory|Metrics|IntelligentTiering)).*", "objects are kept in the API's memory"),
    Actions("ssm", "(Put|Delete|Label|Unlabel)Parameters?(Version)?", "parameters are kept in the API's memory"),
    Actions("secretsmanager", "(Create|Update|Put|Delete|Restore|Tag|Untag).*", "secrets are kept in the API's memory"),
    Actions("logs", "(Create|Delete|Put)(LogGroup|LogStream|LogEvents|RetentionPolicy)", "events are kept; none expires"),
    Actions("dynamodb", "(Create|Delete|Update|Put|BatchWrite|TransactWrite).*", "items are kept in the API's memory"),
    Actions("sqs", ".*", "messages are kept in the API's memory"),
    Actions("kms", ".*", "keys work inside the API; volumes and databases are not encrypted with them"),
    Actions("iam", ".*", "policies of users, groups and roles are enforced, with resources, conditions and boundaries"),
)  # fmt: skip

RECORDED = (
    Actions("ec2", "(Create|Delete)Tags|ModifyVpcAttribute", "DNS names are always on"),
    Actions("ec2", "(Create|Delete|Attach|Detach|Modify)Volume|(Create|Delete)Snapshot", "a guest sees no disks"),
    Actions("ec2", "(Associate|Disassociate|Replace)IamInstanceProfile.*", "the profile is seen in the metadata"),
    Actions("ec2", "(Create|Delete|Modify)LaunchTemplate(Version)?s?", "used by RunInstances"),
    Actions("ec2", "(Monitor|Unmonitor)Instances|(Enable|Disable)EbsEncryptionByDefault|ModifyInstanceCreditSpecification", ""),
    Actions("ec2", "(Create|Delete|Modify)VpcEndpoints?", "gateway endpoints only: nothing is routed to them"),
    Actions("ec2", "(Create|Delete)FlowLogs", "no log is written"),
    Actions("elbv2", "(Add|Remove)Tags", ""),
    Actions("rds", "(Add|Remove)Tags(To|From)Resource|(Create|Delete|Modify)(DBSecurityGroup|OptionGroup)", ""),
    Actions("ssm", "(Add|Remove)Tags(To|From)Resource", ""),
    Actions("logs", ".*(Tag|MetricFilter|SubscriptionFilter|ResourcePolicy).*|DeleteRetentionPolicy", ""),
    Actions("cloudwatch", ".*", "alarms are never evaluated; metrics are what clients put"),
    Actions("sns", ".*", "nothing is delivered"),
    Actions("acm", ".*", "no listener uses the certificates"),
    Actions("budgets", ".*", ""),
    Actions("resourcegroupstaggingapi", ".*", "tags"),
    Actions("resource-groups", ".*", ""),
)  # fmt: skip

READS_ONLY = (
    "service-quotas", "ce", "account", "elb", "autoscaling", "ecs", "eks", "ecr", "lambda",
    "route53", "cloudformation", "cloudtrail", "elasticache", "efs",
)  # fmt: skip

SERVICES = sorted({*READS_ONLY, *(group.service for group in REAL + RECORDED)})


def _actions_of(service: str) -> re.Pattern[str]:
    """Matches the changing actions of the service that are real or recorded."""
    patterns = [group.pattern for group in REAL + RECORDED if group.service == service]
    return re.compile("|".join(f"(?:{one})" for one in patterns) or "(?!)")


_ACTIONS = {service: _actions_of(service) for service in SERVICES}


def refuse(call: Call) -> None:
    """Raise NotRealised for services and changing actions that are on no list."""
    if call.service not in SERVICES:
        raise not_realised(call, "the service is not part of the local cloud")
    if call.is_change and not _ACTIONS[call.service].fullmatch(call.action):
        raise not_realised(call, "the local cloud cannot make its effect real")


def not_realised(call: Call, why: str) -> AwsError:
    return AwsError("NotRealised", f"{call.name}: {why}. `localcloud actions` lists what is real.")


def rows(service: str | None = None) -> Iterator[tuple[str, str, str, str]]:
    """(service, action, real or recorded only, how) of each changing action, of a service or of all."""
    for kind, group in _groups():
        if service in (None, group.service):
            yield from ((group.service, action, kind, group.note) for action in _names(group))
    yield from ((name, "none", "", "reads only") for name in READS_ONLY if service in (None, name))


def markdown() -> str:
    """The table for README.md."""
    lines = ["| service | changing actions | | how |", "| --- | --- | --- | --- |"]
    for kind, group in _groups():
        names = _names(group)
        text = ", ".join(names) if len(names) < MANY else f"{len(names)} actions: `localcloud actions {group.service}`"
        lines.append(f"| {group.service} | {text} | {kind} | {group.note} |")
    lines.append(f"| {', '.join(READS_ONLY)} | none | | reads only |")
    return "\n".join([*lines, "| all others | all others | refused (`NotRealised`) | |"])


def _groups() -> Iterator[tuple[str, Actions]]:
    yield from (("real", group) for group in REAL)
    yield from (("recorded only", group) for group in RECORDED)


def _names(group: Actions) -> list[str]:
    """The names of a group's actions, as AWS writes them."""
    if group.pattern == ".*":
        return ["all"]
    return [name for name in get_service_model(group.service).operation_names if re.fullmatch(group.pattern, name)]
