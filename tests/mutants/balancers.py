"""Mutants of load balancers and their target groups."""

from __future__ import annotations

from collections.abc import Iterator

from tests.mutants import mutant
from tests.mutants.deployment import Deployment


@mutant("a backend in the frontends' target group", r"target group frontend holds backend-1, which is no frontend")
def wrong_target_group(deployment: Deployment) -> Iterator[None]:
    target = {"Id": deployment.instance("backend-1")["InstanceId"]}
    deployment.elbv2.register_targets(TargetGroupArn=deployment.target_group("frontend"), Targets=[target])
    yield
    remove_target(deployment, "frontend", target["Id"], int(deployment.variables["frontend_port"]))


@mutant("a backend deregistered", r"backend-2 is not registered in target group backend")
def deregistered(deployment: Deployment) -> Iterator[None]:
    target = deployment.instance("backend-2")["InstanceId"]
    remove_target(deployment, "backend", target, int(deployment.variables["backend_port"]))
    yield
    deployment.elbv2.register_targets(TargetGroupArn=deployment.target_group("backend"), Targets=[{"Id": target}])


@mutant(
    "a second port of a frontend in the target group", r"target group frontend holds frontend-1:5099, wanted port 5000"
)
def second_port(deployment: Deployment) -> Iterator[None]:
    target = {"Id": deployment.instance("frontend-1")["InstanceId"], "Port": 5099}
    deployment.elbv2.register_targets(TargetGroupArn=deployment.target_group("frontend"), Targets=[target])
    yield
    remove_target(deployment, "frontend", target["Id"], target["Port"])


def remove_target(deployment: Deployment, tier: str, instance: str, port: int) -> None:
    """Deregister, and wait until the target has drained and is gone."""
    group = deployment.target_group(tier)
    target = {"Id": instance, "Port": port}
    deployment.elbv2.deregister_targets(TargetGroupArn=group, Targets=[target])

    def registered() -> list[dict[str, object]]:
        answer = deployment.elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return [{name: description["Target"][name] for name in target} for description in answer]

    deployment.wait(f"{instance}:{port} gone from {tier}", lambda: target not in registered(), 360)


@mutant("a second listener", r"load balancer public port 8080 leads to frontend, wanted no such listener")
def second_listener(deployment: Deployment) -> Iterator[None]:
    listener = deployment.elbv2.create_listener(
        LoadBalancerArn=deployment.balancer("public")["LoadBalancerArn"],
        Protocol="HTTP",
        Port=8080,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": deployment.target_group("frontend")}],
    )["Listeners"][0]["ListenerArn"]
    yield
    deployment.elbv2.delete_listener(ListenerArn=listener)


@mutant(
    "a rule that answers before the frontends",
    r"load balancer public port 80 has a rule beyond its default one: path-pattern / to fixed-response",
)
def rule_beyond(deployment: Deployment) -> Iterator[None]:
    answer = {"StatusCode": "200", "ContentType": "text/plain", "MessageBody": "closed for today"}
    rule = deployment.elbv2.create_rule(
        ListenerArn=deployment.listener("public"),
        Priority=1,
        Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/"]}}],
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": answer}],
    )["Rules"][0]["RuleArn"]
    yield
    deployment.elbv2.delete_rule(RuleArn=rule)


@mutant(
    "the public load balancer answers by itself",
    r"/version from operator: frontend-1, frontend-2 never answered",
)
def answers_by_itself(deployment: Deployment) -> Iterator[None]:
    listener = deployment.listener("public")
    answer = {"StatusCode": "200", "ContentType": "text/plain", "MessageBody": "closed for today"}
    action = {"Type": "fixed-response", "FixedResponseConfig": answer}
    deployment.elbv2.modify_listener(ListenerArn=listener, DefaultActions=[action])
    yield
    forward = {"Type": "forward", "TargetGroupArn": deployment.target_group("frontend")}
    deployment.elbv2.modify_listener(ListenerArn=listener, DefaultActions=[forward])


@mutant(
    "the internal load balancer made internet-facing", r"load balancer internal_alb is internet-facing, wanted internal"
)
def internal_made_public(deployment: Deployment) -> Iterator[None]:
    """A scheme cannot be changed: the load balancer is made anew, and again by the project's own playbooks."""
    before = deployment.balancer("internal")
    public = [zone["SubnetId"] for zone in deployment.balancer("public")["AvailabilityZones"]]
    delete_balancer(deployment, before["LoadBalancerArn"])
    made = deployment.elbv2.create_load_balancer(
        Name=before["LoadBalancerName"],
        Scheme="internet-facing",
        Type="application",
        Subnets=public,
        SecurityGroups=before["SecurityGroups"],
        Tags=[
            {"Key": "Project", "Value": deployment.prefix.split("-")[0]},
            {"Key": "Environment", "Value": deployment.prefix.split("-", 1)[1]},
        ],
    )["LoadBalancers"][0]["LoadBalancerArn"]
    deployment.elbv2.create_listener(
        LoadBalancerArn=made,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": deployment.target_group("backend")}],
    )
    deployment.elbv2.get_waiter("load_balancer_available").wait(LoadBalancerArns=[made])
    yield
    delete_balancer(deployment, made)
    deployment.playbook("playbooks/provision.yml")
    deployment.playbook("playbooks/deploy.yml")


def delete_balancer(deployment: Deployment, arn: str) -> None:
    """Delete a load balancer, and wait until its interfaces are gone too: its name can be taken again."""
    name = "/".join(arn.split("/")[1:])
    deployment.elbv2.delete_load_balancer(LoadBalancerArn=arn)
    filters = [{"Name": "description", "Values": [f"ELB {name}"]}]
    deployment.wait(
        f"{name} is gone",
        lambda: not deployment.ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"],
    )
