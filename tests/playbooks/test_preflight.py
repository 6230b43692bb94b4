"""Preflight asks the account, and changes nothing."""

from __future__ import annotations

from localcloud.testing import Endpoint

from .conftest import Playbook


def test_the_account_is_asked(playbook: Playbook, cloud: Endpoint) -> None:
    good = playbook("preflight")
    assert good.returncode == 0, good.stdout
    assert "account 123456789012" in good.stdout
    ec2 = cloud.client("ec2")
    tags = [{"Key": "Project", "Value": "tandem-lo"}, {"Key": "Environment", "Value": "cal"}]
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}])["Vpc"][
        "VpcId"
    ]
    cloud.client("elbv2").create_target_group(Name="tandem-lo-cal-backend", Protocol="HTTP", Port=5050, VpcId=vpc)
    before = cloud.journal(mutating=True)
    options = ("-e", "env_name=lo-cal", "-e", "instance_type=t4g.micro", "-e", "db_instance_class=db.t9.nano")
    bad = playbook("preflight", *options)
    assert bad.returncode != 0
    for said in (
        "4 problems, nothing was made.",
        "its architecture is arm64",
        "db_instance_class = db.t9.nano",
        "project tandem-lo has an environment cal, with the same names",
        "the target group exists with port 5050",
    ):
        assert bad.stdout.count(said) == 1, bad.stdout
    assert cloud.journal(mutating=True) == before
    assert "Traceback" not in bad.stdout + bad.stderr
