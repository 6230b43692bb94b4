"""What can be said about an environment's variables by asking AWS. Nothing is changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from ..look import DEBIAN_ACCOUNT, LIVE_INSTANCES, Look, tags
from ..survey.services import oddity
from .settings import Problem, password_problem

try:
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        NoCredentialsError,
        PartialCredentialsError,
        ProfileNotFound,
    )
except ImportError:
    pass  # Module preflight says what is missing.

# Quotas: service, code, and AWS's default, which counts where the quota itself may not be read.
VPC_QUOTA = ("vpc", "L-F678F1CE", 5)
ADDRESS_QUOTA = ("ec2", "L-0263D0A3", 5)
VCPU_QUOTA = ("ec2", "L-1216C47A", None)

# Where every account's key is known: a region that is not enabled takes it for a wrong one.
FIRST_REGION = "us-east-1"
STANDARD_FAMILIES = "acdhimrtz"

# From the name of a service, and of a region other than the environment's, to a boto3 client.
Client = Callable[..., Any]


def call_problem(error: BaseException, region: str) -> Problem:
    """Why a call to AWS failed that everybody with credentials may make. error: botocore's, or one that was raised for it."""
    while error.__context__ and not isinstance(error, BotoCoreError | ClientError):
        error = error.__context__

    def problem(wrong: str, fix: str) -> Problem:
        return Problem("AWS credentials", "(not shown)", wrong, "credentials of an AWS account", fix)

    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return problem("there are none, or only half of them", "aws configure, aws sso login, or AWS_PROFILE=NAME")
    if isinstance(error, ProfileNotFound):
        return problem(str(error), "AWS_PROFILE=NAME of a profile in ~/.aws/config")
    if isinstance(error, ClientError):
        code = error.response["Error"]["Code"]
        if code.startswith("ExpiredToken") or code == "RequestExpired":
            return problem("they have expired", "aws sso login, or get new ones")
        if code.startswith(("UnauthorizedOperation", "AccessDenied")):
            return problem(f"they may not make a call ({code})", "give them the rights of docs/operator-policy.json")
        return problem(
            f"AWS refuses them ({code})", "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        )
    wrong = f"AWS does not answer: {str(error).splitlines()[0]}"
    return Problem("region", region, wrong, "a region of AWS that is enabled", "check the network, and -e region=…")


def credentials_problem(client: Client, region: str) -> tuple[dict[str, str], list[Problem]]:
    """(account and ARN of the caller, problems of the credentials, or of the region, which may not know them)."""
    try:
        identity = client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        return {}, region_problem(client, region) or [call_problem(error, region)]
    return {"account": identity["Account"], "arn": identity["Arn"]}, []


def region_problem(client: Client, region: str) -> list[Problem]:
    """Whether the region exists and is enabled for this account; nothing where AWS does not say."""
    with suppress(BotoCoreError, ClientError):
        enabled = sorted(item["RegionName"] for item in client("ec2", FIRST_REGION).describe_regions()["Regions"])
        if region not in enabled:
            fix = f"-e region={enabled[0]}, or enable it: AWS's console, Account, AWS Regions"
            return [Problem("region", region, "unknown, or not enabled", ", ".join(enabled), fix)]
    return []


def instance_type_problems(client: Client, instance_type: str, region: str) -> Iterator[Problem]:
    """The type exists, is x86_64 as the Debian image is, and is offered in two zones."""
    ec2 = client("ec2")
    try:
        types = ec2.describe_instance_types(InstanceTypes=[instance_type])["InstanceTypes"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "InvalidInstanceType":
            raise
        types = []
    if not types:
        yield Problem(
            "instance_type", instance_type, f"not offered in {region}", "an x86_64 type", "-e instance_type=t3.micro"
        )
        return
    architectures = types[0]["ProcessorInfo"]["SupportedArchitectures"]
    if "x86_64" not in architectures:
        wrong = f"its architecture is {', '.join(architectures)}, the hosts' image is x86_64"
        yield Problem("instance_type", instance_type, wrong, "an x86_64 type", "-e instance_type=t3.micro")
    offers = ec2.describe_instance_type_offerings(
        LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": [instance_type]}]
    )["InstanceTypeOfferings"]
    if len(offers) < 2:
        wrong = f"offered in {len(offers)} availability zone(s) of {region}"
        yield Problem("instance_type", instance_type, wrong, "two zones or more", "another type or another region")


def database_problems(client: Client, db_class: str, version: str, region: str) -> list[Problem]:
    """The class can be ordered with this major version of PostgreSQL, encrypted, in this region."""
    pages = (
        client("rds")
        .get_paginator("describe_orderable_db_instance_options")
        .paginate(Engine="postgres", DBInstanceClass=db_class, Vpc=True)
    )
    options = [option for page in pages for option in page["OrderableDBInstanceOptions"]]
    majors = sorted({o["EngineVersion"].split(".")[0] for o in options if o["SupportsStorageEncryption"]}, key=int)
    if not majors:
        wrong = f"not offered for encrypted PostgreSQL in {region}"
        return [
            Problem("db_instance_class", db_class, wrong, "a class RDS offers", "-e db_instance_class=db.t4g.micro")
        ]
    if version not in majors:
        wrong = f"not offered with {db_class} in {region}"
        return [Problem("db_engine_version", version, wrong, ", ".join(majors), f"-e db_engine_version={majors[-1]}")]
    return []


def image_problem(client: Client, region: str, volume_size: int) -> Iterator[Problem]:
    """There is an official Debian 13 image, and the root volume is large enough for it."""
    images = client("ec2").describe_images(
        Owners=[DEBIAN_ACCOUNT], Filters=[{"Name": "name", "Values": ["debian-13-amd64-*"]}]
    )["Images"]
    if not images:
        wrong = "has no official Debian 13 image, or the account's Allowed AMIs hide it"
        fix = "-e region=…, or allow images of Debian's account " + DEBIAN_ACCOUNT
        yield Problem("region", region, wrong, "a region in which Debian publishes", fix)
        return
    sizes = [disk["Ebs"].get("VolumeSize", 0) for disk in images[-1].get("BlockDeviceMappings", []) if "Ebs" in disk]
    if sizes and volume_size < max(sizes):
        least = max(sizes)
        wrong = "smaller than the image"
        yield Problem("volume_size", volume_size, wrong, f"{least} or more", f"-e volume_size={least}")


def instances(client: Client, settings: dict[str, Any], *filters: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """(all live instances that pass the filters, those of them that are the environment's hosts)"""
    live = {"Name": "instance-state-name", "Values": LIVE_INSTANCES}
    pages = client("ec2").get_paginator("describe_instances").paginate(Filters=[*filters, live])
    found = [item for page in pages for reservation in page["Reservations"] for item in reservation["Instances"]]
    look = Look(client, str(settings["project"]), str(settings["env_name"]))
    return found, [item for item in found if not oddity(look, item)]


def is_counted(instance: dict[str, Any]) -> bool:
    """Whether AWS counts an instance among the running on-demand ones of the standard families."""
    is_up = instance["State"]["Name"] in ("pending", "running")
    is_standard = re.match(rf"[{STANDARD_FAMILIES}]\d", instance["InstanceType"]) is not None
    return is_up and is_standard and "InstanceLifecycle" not in instance and "CpuOptions" in instance


def quota_problems(client: Client, settings: dict[str, Any]) -> Iterator[Problem]:
    """Whether what is still to be made fits the account's quotas."""
    ec2 = client("ec2")
    own = [
        {"Name": "tag:Project", "Values": [str(settings["project"])]},
        {"Name": "tag:Environment", "Values": [str(settings["env_name"])]},
    ]
    there, hosts_there = instances(client, settings)

    def vcpus(items: list[dict[str, Any]]) -> int:
        return sum(i["CpuOptions"]["CoreCount"] * i["CpuOptions"]["ThreadsPerCore"] for i in items if is_counted(i))

    cpus = ec2.describe_instance_types(InstanceTypes=[settings["instance_type"]])["InstanceTypes"][0]["VCpuInfo"]
    hosts = (int(settings["frontend_count"]) + int(settings["backend_count"])) * cpus["DefaultVCpus"]
    addresses = {"single": 1, "per_az": 2, "none": 0}[settings["nat_gateway"]]
    counts = [
        ("VPCs", VPC_QUOTA, 1, len(ec2.describe_vpcs()["Vpcs"]), len(ec2.describe_vpcs(Filters=own)["Vpcs"])),
        (
            "elastic IP addresses",
            ADDRESS_QUOTA,
            addresses,
            len(ec2.describe_addresses()["Addresses"]),
            len(ec2.describe_addresses(Filters=own)["Addresses"]),
        ),
        ("vCPUs of on-demand instances", VCPU_QUOTA, hosts, vcpus(there), vcpus(hosts_there)),
    ]
    for what, (service, code, default), wanted, used, ours in counts:
        limit = _quota(client, service, code, default)
        after = used - ours + max(wanted, ours)
        if limit is not None and after > limit:
            wrong = f"{used} {what} are in use, and {max(wanted - ours, 0)} more are needed"
            fix = f"delete some, or ask AWS for more: Service Quotas, {service}, {code}"
            yield Problem("(account)", what, wrong, f"{limit:g} in region {settings['region']}", fix)


def _quota(client: Client, service: str, code: str, default: int | None) -> float | None:
    try:
        return client("service-quotas").get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"]
    except (ClientError, BotoCoreError):  # a deployer may lack the right to read quotas
        return default


# Settings of a database that AWS cannot change, or this project does not: the variable, what RDS calls it.
FIXED = {"db_name": "DBName", "db_master_username": "MasterUsername"}
# From here on gp3 storage needs more settings than this project knows; below, RDS gives the same speed to every size.
FAST_STORAGE = 400


def changed_database(database: dict[str, Any], settings: dict[str, Any]) -> Iterator[Problem]:
    """Settings that the database which is there cannot take. database: as RDS describes it."""

    def problem(variable: str, wrong: str, there: Any, allowed: str = "") -> Problem:
        return Problem(variable, settings[variable], wrong, allowed or str(there), f"-e {variable}={there}")

    for variable, attribute in FIXED.items():
        there = database.get(attribute)
        if str(settings[variable]) != there:
            yield problem(variable, f"the database exists with {there}, which AWS cannot change", there)
    version = database["EngineVersion"]
    if str(settings["db_engine_version"]) != version.split(".")[0]:
        wrong = f"the database runs PostgreSQL {version}, and no playbook changes a major version"
        yield problem("db_engine_version", wrong, version.split(".")[0])
    there, wanted = database["AllocatedStorage"], int(settings["db_storage"])
    least = -(-there * 11 // 10)
    allowed = f"{there}, or {least} to {FAST_STORAGE - 1}" if least < FAST_STORAGE else f"{there}"
    if wanted < there:
        yield problem("db_storage", f"the database has {there} GiB, which AWS cannot make less", there, allowed)
    elif there < FAST_STORAGE <= wanted:
        wrong = f"growing from {there} GiB to {FAST_STORAGE} and more needs a choice of IOPS, which is made by hand"
        yield problem("db_storage", wrong, there, allowed)
    elif there < wanted < least:
        yield problem("db_storage", f"the database has {there} GiB, and AWS adds a tenth at least", there, allowed)


def existing_problems(client: Client, settings: dict[str, Any]) -> Iterator[Problem]:
    """What cannot change once the environment is there, and a master password that RDS would refuse."""
    own = [
        {"Name": "tag:Project", "Values": [str(settings["project"])]},
        {"Name": "tag:Environment", "Values": [str(settings["env_name"])]},
    ]
    names = (str(settings["project"]), str(settings["env_name"]))
    for vpc in client("ec2").describe_vpcs(Filters=[{"Name": "tag-key", "Values": ["Environment"]}])["Vpcs"]:
        theirs = tags(vpc).get("Project", ""), tags(vpc)["Environment"]
        if theirs != names and "-".join(theirs) == "-".join(names):
            wrong = f"project {theirs[0]} has an environment {theirs[1]}, with the same names of everything"
            yield Problem("env_name", names[1], wrong, "another", "-e env_name=staging")
    for vpc in client("ec2").describe_vpcs(Filters=own)["Vpcs"]:
        if vpc["CidrBlock"] != settings["vpc_cidr"]:
            cidr, wrong = vpc["CidrBlock"], "the environment exists with another range, which AWS cannot change"
            yield Problem("vpc_cidr", settings["vpc_cidr"], wrong, cidr, f"-e vpc_cidr={cidr}, or another env_name")
    for item in instances(client, settings, *own)[1]:
        if item["InstanceType"] != settings["instance_type"]:
            wrong = f"{item['InstanceId']} runs as {item['InstanceType']}, which cannot change while it runs"
            fix = f"-e instance_type={item['InstanceType']}, or terminate it: the next run launches it anew"
            yield Problem("instance_type", settings["instance_type"], wrong, item["InstanceType"], fix)
    elb = client("elbv2")
    for tier in ("frontend", "backend"):
        with suppress(elb.exceptions.TargetGroupNotFoundException):
            [group] = elb.describe_target_groups(Names=[f"{'-'.join(names)}-{tier}"])["TargetGroups"]
            port, there = settings.get(f"{tier}_port", group["Port"]), group["Port"]
            if str(port) != str(there):
                wrong = f"the target group exists with port {there}, which AWS cannot change"
                yield Problem(f"{tier}_port", port, wrong, str(there), f"-e {tier}_port={there}, or another env_name")
    rds = client("rds")
    try:
        name = f"{settings['project']}-{settings['env_name']}-database"
        yield from changed_database(rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0], settings)
    except rds.exceptions.DBInstanceNotFoundFault:
        pass
    name = f"/{settings['project']}/{settings['env_name']}/database/master-password"
    ssm = client("ssm")
    try:
        wrong = password_problem(ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound:
        return
    if wrong:
        allowed = '8 to 128 ASCII characters without / " @ and space'
        yield Problem(name, "(secret)", wrong, allowed, "put another value into SSM, or delete it: one is made")
