"""Merges a launch template into a launch, so that checks see all of its parameters."""

from __future__ import annotations

from typing import Any

from ..errors import AwsError
from ..request import Call
from . import moto_state


def fill(call: Call) -> Call:
    """The call with the template's data as defaults. Raises AwsError if the template does not exist."""
    named = call.parameters.get("LaunchTemplate") if call.name == "ec2:RunInstances" else None
    if not named:
        return call
    data = _data(moto_state.ec2(call.region), named)
    return call.with_parameters({**{name: value for name, value in data.items() if value}, **call.parameters})


def _data(ec2: Any, named: dict[str, Any]) -> dict[str, Any]:
    identifier, name = named.get("LaunchTemplateId"), named.get("LaunchTemplateName")
    if bool(identifier) == bool(name):
        raise AwsError(
            "InvalidParameterCombination" if identifier else "MissingParameter",
            "Exactly one of launch template ID and launch template name must be specified in the request.",
        )
    found = ec2.launch_templates.get(identifier or ec2.launch_template_name_to_ids.get(name, ""))
    if found is None and identifier:
        raise AwsError(
            "InvalidLaunchTemplateId.NotFound",
            f"The specified launch template, with template ID {identifier}, does not exist.",
        )
    if found is None:
        raise AwsError(
            "InvalidLaunchTemplateName.NotFoundException",
            f"The specified launch template, with template name {name}, does not exist.",
        )
    return dict(found.get_version(_number(found, str(named.get("Version") or "$Default"))).data)


def _number(template: Any, version: str) -> int:
    numbers = {"$Default": template.default_version_number, "$Latest": template.latest_version_number}
    number = numbers.get(version) or (int(version) if version.isdigit() else 0)
    if number not in {existing.number for existing in template.versions}:
        raise AwsError("InvalidLaunchTemplateId.VersionNotFound", f"Could not find the specified version {version}")
    return int(number)
