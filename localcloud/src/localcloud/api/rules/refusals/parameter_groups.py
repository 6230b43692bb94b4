"""Database parameter groups: families, names and values of parameters, when they may take effect."""

from __future__ import annotations

import re
from typing import Any

from localcloud.api.errors import AwsError
from localcloud.api.moto import moto_state
from localcloud.api.moto.account import POSTGRES_VERSIONS
from localcloud.api.moto.corrections.rds import POSTGRES_PARAMETERS
from localcloud.api.request import Call

from .databases import IDENTIFIER_RULE, LONG_IDENTIFIER
from .rules import guards, refuse_if, want_match

MOST_AT_ONCE = 20
OTHER_FAMILIES = re.compile(
    r"(mysql|mariadb|aurora-postgresql|aurora-mysql|oracle-[a-z0-9-]+|sqlserver-[a-z]+-|db2-[a-z]+-)[0-9.]+"
)
KNOWN = {one["ParameterName"]: one for one in POSTGRES_PARAMETERS}


@guards("rds:CreateDBParameterGroup")
def a_parameter_group_has_a_name_and_a_family(call: Call) -> None:
    name, family = call.parameters.get("DBParameterGroupName", ""), call.parameters.get("DBParameterGroupFamily", "")
    want_match(
        name,
        LONG_IDENTIFIER,
        "InvalidParameterValue",
        f"The parameter DBParameterGroupName is not a valid identifier. {IDENTIFIER_RULE}",
    )
    known = family.removeprefix("postgres") in POSTGRES_VERSIONS or OTHER_FAMILIES.fullmatch(family)
    refuse_if(
        not known, "InvalidParameterValue", f"ParameterGroupFamily {family} is not a valid parameter group family"
    )


@guards("rds:ModifyDBParameterGroup")
def parameters_exist_and_take_their_values(call: Call) -> None:
    name = call.parameters["DBParameterGroupName"].lower()
    refuse_if(
        name.startswith("default."),
        "InvalidDBParameterGroupState",
        "The parameter group is a default one and cannot be changed",
    )
    group = moto_state.rds(call.region).db_parameter_groups.get(name)
    if group is None:
        raise AwsError("DBParameterGroupNotFound", f"DBParameterGroup not found: {name}", 404)
    wanted = call.parameters.get("Parameters") or ()
    refuse_if(
        len(wanted) > MOST_AT_ONCE,
        "InvalidParameterValue",
        f"A maximum of {MOST_AT_ONCE} parameters can be modified at once",
    )
    for parameter in wanted:
        if (group.family or "").startswith("postgres"):
            _parameter(parameter)


def _parameter(parameter: dict[str, Any]) -> None:
    name, value = parameter.get("ParameterName", ""), parameter.get("ParameterValue")
    known = KNOWN.get(name)
    if known is None:
        raise AwsError("InvalidParameterValue", f"Could not find parameter with name: {name}")
    refuse_if(not known["IsModifiable"], "InvalidParameterValue", f"The parameter {name} cannot be modified.")
    method = parameter.get("ApplyMethod")
    refuse_if(
        method not in (None, "immediate", "pending-reboot"), "InvalidParameterValue", f"Invalid apply method: {method}"
    )
    refuse_if(
        known["ApplyType"] == "static" and method == "immediate",
        "InvalidParameterCombination",
        "cannot use immediate apply method for static parameter",
    )
    refuse_if(
        value is not None and not takes(known, str(value)),
        "InvalidParameterValue",
        f"Invalid parameter value: {value} for: {name} allowed values are: {known.get('AllowedValues')}",
    )


def takes(known: dict[str, Any], value: str) -> bool:
    """Whether a parameter takes the value: a number in its range, or one of its words. Formulas ({…}) are RDS's own."""
    allowed = known.get("AllowedValues")
    if allowed is None or "{" in value:
        return True
    found = re.fullmatch(r"(-?\d+)-(\d[\d.e+]*)", allowed)
    if found is None:
        words = value.split(",") if known["DataType"] == "list" else [value]
        return all(word.strip() in allowed.split(",") for word in words)
    try:
        return float(found.group(1)) <= float(value) <= float(found.group(2))
    except ValueError:
        return False
