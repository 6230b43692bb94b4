"""VPC endpoints and launch templates."""

from __future__ import annotations

import json

from localcloud.api.errors import AwsError
from localcloud.api.moto import moto_state
from localcloud.api.request import Call

from .rules import guards, refuse_if, want_match

# Gateway endpoints are for these (VPC User Guide, "Gateway endpoints"); a name of another service is an interface's.
BY_GATEWAY = ("s3", "dynamodb")


@guards("ec2:CreateVpcEndpoint")
def an_endpoint_names_a_service_of_the_region(call: Call) -> None:
    name, prefix = call.parameters.get("ServiceName", ""), f"com.amazonaws.{call.region}."
    is_gateway = call.parameters.get("VpcEndpointType", "Gateway") == "Gateway"
    known = name.removeprefix(prefix) in BY_GATEWAY if is_gateway else name.startswith((prefix, "com.amazonaws.vpce."))
    refuse_if(
        not name.startswith((prefix, "com.amazonaws.vpce.")) or not known,
        "InvalidServiceName",
        f"The Vpc Endpoint Service '{name}' does not exist",
    )


@guards("ec2:CreateVpcEndpoint")
def a_table_leads_to_a_service_once(call: Call) -> None:
    wanted, name = set(call.parameters.get("RouteTableIds") or ()), call.parameters.get("ServiceName")
    for endpoint in moto_state.ec2(call.region).vpc_end_points.values():
        is_same = endpoint.service_name == name and endpoint.state != "deleted"
        for table in sorted(wanted & set(endpoint.route_table_ids or ())) if is_same else ():
            raise AwsError(
                "RouteAlreadyExists",
                f"route table {table} already has a route with destination-prefix-list-id of {name}",
            )


@guards("ec2:CreateVpcEndpoint", "ec2:ModifyVpcEndpoint")
def an_endpoints_policy_is_one(call: Call) -> None:
    text = call.parameters.get("PolicyDocument")
    try:
        is_policy = text is None or "Statement" in json.loads(text)
    except (ValueError, TypeError) as error:
        raise AwsError("InvalidPolicyDocument", "Policy document is not a valid JSON document.") from error
    refuse_if(not is_policy, "InvalidPolicyDocument", "Policy document has no Statement.")


@guards("ec2:CreateLaunchTemplate")
def a_launch_template_is_well_named(call: Call) -> None:
    want_match(
        call.parameters.get("LaunchTemplateName", ""),
        r"[a-zA-Z0-9().\-/_]{3,128}",
        "InvalidLaunchTemplateName.MalformedException",
        "Launch template names must be 3 to 128 letters, digits and ().-/_",
    )


@guards("ec2:DeleteLaunchTemplate", "ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate")
def a_launch_template_exists(call: Call) -> None:
    name = call.parameters.get("LaunchTemplateName")
    refuse_if(
        name and name not in moto_state.ec2(call.region).launch_template_name_to_ids,
        "InvalidLaunchTemplateName.NotFoundException",
        f"The specified launch template, with template name {name}, does not exist.",
    )
