"""Listeners and rules."""

from __future__ import annotations

import re
from typing import Any

from moto.acm import acm_backends

from localcloud.api.errors import AwsError
from localcloud.api.moto import moto_state
from localcloud.api.moto.states.targets import balancers_of, groups_of_action
from localcloud.api.request import Call
from localcloud.settings import ACCOUNT_ID

from .load_balancers import existing
from .rules import guards, refuse_if, want_match, want_range

SECURE = ("HTTPS", "TLS")
FINAL = ("forward", "redirect", "fixed-response")
FIELDS = ("path-pattern", "host-header", "http-header", "http-request-method", "query-string", "source-ip")
CONTENT_TYPES = ("text/plain", "text/css", "text/html", "application/javascript", "application/json")


def _listener(call: Call) -> tuple[Any, Any]:
    """moto's load balancer and listener that the call names. Raises AwsError ListenerNotFound."""
    arn = call.parameters.get("ListenerArn", "")
    for balancer in moto_state.elbv2(call.region).load_balancers.values():
        if arn in balancer.listeners:
            return balancer, balancer.listeners[arn]
    raise AwsError("ListenerNotFound", f"One or more listeners not found: '{arn}'")


@guards("elbv2:CreateListener", "elbv2:ModifyListener")
def a_port_has_one_listener(call: Call) -> None:
    port = call.parameters.get("Port")
    want_range(port, 1, 65535, "ValidationError", f"Port '{port}' must be 1 to 65535")
    if call.action == "CreateListener":
        balancer, itself = existing(call), None
        refuse_if(port is None, "ValidationError", "A port must be specified")
    else:
        balancer, itself = _listener(call)
    for listener in balancer.listeners.values():
        refuse_if(
            port is not None and listener is not itself and int(listener.port) == int(port),
            "DuplicateListener",
            "A listener already exists on this port for this load balancer",
        )


@guards("elbv2:CreateListener", "elbv2:ModifyListener")
def a_secure_listener_has_a_certificate(call: Call) -> None:
    params = call.parameters
    protocol = params.get("Protocol")
    refuse_if(call.action == "CreateListener" and not protocol, "ValidationError", "A protocol must be specified")
    refuse_if(
        protocol in ("TCP", "UDP", "TCP_UDP", "TLS", "GENEVE"),
        "ValidationError",
        f"Protocol '{protocol}' must be one of 'HTTP, HTTPS'",
    )
    refuse_if(
        protocol == "HTTP" and params.get("SslPolicy"),
        "ValidationError",
        "An SSL policy cannot be specified for HTTP listeners",
    )
    certificates = [one.get("CertificateArn", "") for one in params.get("Certificates") or ()]
    refuse_if(
        protocol in SECURE and not certificates,
        "ValidationError",
        f"A certificate must be specified for {protocol} listeners",
    )
    refuse_if(
        protocol == "HTTP" and certificates,
        "InvalidConfigurationRequest",
        "A certificate cannot be specified for HTTP listeners",
    )
    known = {**acm_backends[ACCOUNT_ID][call.region]._certificates, **_server_certificates()}
    for arn in certificates:
        refuse_if(arn not in known, "CertificateNotFound", f"Certificate '{arn}' not found")


def _server_certificates() -> dict[str, Any]:
    return {one.arn: one for one in moto_state.iam().certificates.values()}


@guards("elbv2:CreateListener", "elbv2:ModifyListener", "elbv2:CreateRule", "elbv2:ModifyRule")
def actions_can_be_done(call: Call) -> None:
    params = call.parameters
    actions = params.get("DefaultActions") or params.get("Actions") or ()
    if not actions:
        return
    orders = [action.get("Order") for action in actions if action.get("Order") is not None]
    refuse_if(len(set(orders)) < len(orders), "ValidationError", "The order of the actions must be unique")
    final = [action for action in actions if action.get("Type") in FINAL]
    refuse_if(
        len(final) != 1, "ValidationError", "Exactly one forward, redirect or fixed-response action must be specified"
    )
    action = final[0]
    if action["Type"] == "fixed-response":
        _fixed_response(action.get("FixedResponseConfig") or {})
    if action["Type"] == "redirect":
        _redirect(action.get("RedirectConfig") or {})
    if action["Type"] == "forward":
        _forward(call, action)


def _fixed_response(configuration: dict[str, Any]) -> None:
    code = str(configuration.get("StatusCode", ""))
    allowed = code.isdigit() and len(code) == 3 and code[0] in "245"
    refuse_if(
        not allowed,
        "ValidationError",
        f"1 validation error detected: Value '{code}' at 'statusCode' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: ^(2|4|5)\d\d$",
    )
    kind = configuration.get("ContentType")
    refuse_if(
        kind and kind not in CONTENT_TYPES, "ValidationError", f"The ContentType must be one of:'{CONTENT_TYPES}'"
    )
    refuse_if(
        len(configuration.get("MessageBody") or "") > 1024,
        "ValidationError",
        "The MessageBody cannot be longer than 1024",
    )


REDIRECTS = {"Protocol": "#{protocol}", "Host": "#{host}", "Port": "#{port}", "Path": "/#{path}", "Query": "#{query}"}
PORT = r"#\{port\}|[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5]"


def _redirect(configuration: dict[str, Any]) -> None:
    code = configuration.get("StatusCode")
    refuse_if(
        code not in ("HTTP_301", "HTTP_302"), "ValidationError", f"Status code '{code}' must be HTTP_301 or HTTP_302"
    )
    want_match(configuration.get("Port"), PORT, "ValidationError", "The redirect port must be 1 to 65535 or #{port}")
    want_match(configuration.get("Path"), r"/.{0,127}", "ValidationError", "The redirect path must begin with '/'")
    parts = ("Protocol", "Host", "Port", "Path")
    refuse_if(
        all(configuration.get(part, REDIRECTS[part]) == REDIRECTS[part] for part in parts)
        and configuration.get("Query", REDIRECTS["Query"]) == REDIRECTS["Query"],
        "InvalidLoadBalancerAction",
        "The redirect configuration is not valid because it creates a loop.",
    )


def _forward(call: Call, action: dict[str, Any]) -> None:
    balancer = existing(call) if call.action == "CreateListener" else _balancer(call)
    arns = groups_of_action(action)
    for one in (action.get("ForwardConfig") or {}).get("TargetGroups") or ():
        want_range(one.get("Weight"), 0, 999, "ValidationError", "The weight of a target group must be 0 to 999")
    refuse_if(not arns, "ValidationError", "A target group ARN must be specified")
    for arn in arns:
        group = moto_state.elbv2(call.region).target_groups.get(arn)
        if group is None:
            raise AwsError("TargetGroupNotFound", f"Target groups '{arn}' not found")
        refuse_if(
            group.vpc_id != balancer.vpc_id,
            "InvalidConfigurationRequest",
            f"The target group '{arn}' is not in the VPC of the load balancer",
        )
        others = [one for one in balancers_of(group) if one is not balancer]
        refuse_if(
            others,
            "TargetGroupAssociationLimit",
            f"The following target groups cannot be associated with more than one load balancer: {arn}",
        )


def _balancer(call: Call) -> Any:
    if call.action == "ModifyRule":
        arn = call.parameters["RuleArn"]
        for balancer in moto_state.elbv2(call.region).load_balancers.values():
            for listener in balancer.listeners.values():
                if any(rule.arn == arn for rule in listener.rules.values()):
                    return balancer
        raise AwsError("RuleNotFound", f"One or more rules not found: '{arn}'")
    return _listener(call)[0]


ALPHABETS = {
    "path-pattern": r"[A-Za-z0-9_\-.$/~\"'@:+&()!,;=%*?]{1,128}",
    "host-header": r"[A-Za-z0-9\-.*?]{1,128}",
}
CONFIGURATIONS = {"path-pattern": "PathPatternConfig", "host-header": "HostHeaderConfig"}
MOST_VALUES = 5  # of all conditions of a rule; of wildcards as well


@guards("elbv2:CreateRule", "elbv2:ModifyRule")
def conditions_can_be_met(call: Call) -> None:
    conditions = call.parameters.get("Conditions") or ()
    fields = [condition.get("Field") for condition in conditions]
    for field in fields:
        refuse_if(field not in FIELDS, "ValidationError", f"Condition field '{field}' must be one of '{list(FIELDS)}'")
        refuse_if(
            field in ALPHABETS and fields.count(field) > 1,
            "ValidationError",
            f"A rule can have one '{field}' condition only",
        )
    every = [value for condition in conditions for value in _condition_values(condition)]
    refuse_if(len(every) > MOST_VALUES, "ValidationError", f"A rule can have {MOST_VALUES} condition values only")
    refuse_if(
        sum(value.count("*") + value.count("?") for value in every) > MOST_VALUES,
        "ValidationError",
        f"A rule can have {MOST_VALUES} wildcards only",
    )


def _condition_values(condition: dict[str, Any]) -> list[str]:
    field = condition.get("Field", "")
    if field not in ALPHABETS:
        return []
    plain, configured = condition.get("Values"), (condition.get(CONFIGURATIONS[field]) or {}).get("Values")
    refuse_if(
        plain and configured, "ValidationError", f"Only one of Values and {CONFIGURATIONS[field]} can be specified"
    )
    values: list[str] = list(plain or configured or ())
    refuse_if(not values, "ValidationError", "A condition value must be specified")
    for value in values:
        allowed = re.fullmatch(ALPHABETS[field], value)
        refuse_if(not allowed, "ValidationError", f"Condition value '{value}' contains a character that is not valid")
    return values


@guards("elbv2:CreateRule")
def a_rule_has_a_priority_and_conditions(call: Call) -> None:
    params = call.parameters
    want_range(
        params.get("Priority"), 1, 50000, "ValidationError", f"Priority '{params.get('Priority')}' must be 1 to 50000"
    )
    refuse_if(not params.get("Conditions"), "ValidationError", "A condition must be specified")
    refuse_if(not params.get("Actions"), "ValidationError", "An action must be specified")


def _rules(region: str) -> list[tuple[Any, Any]]:
    """Every rule of the region with its listener."""
    balancers = moto_state.elbv2(region).load_balancers.values()
    listeners = [one for balancer in balancers for one in balancer.listeners.values()]
    return [(rule, listener) for listener in listeners for rule in listener.rules.values()]


@guards("elbv2:DeleteRule", "elbv2:ModifyRule")
def the_default_rule_stays(call: Call) -> None:
    arn = call.parameters["RuleArn"]
    found = [rule for rule, _ in _rules(call.region) if rule.arn == arn]
    refuse_if(not found, "RuleNotFound", f"One or more rules not found: '{arn}'")
    refuse_if(
        found[0].is_default and (call.action == "DeleteRule" or call.parameters.get("Conditions")),
        "OperationNotPermitted",
        f"Default rule '{arn}' cannot be {'deleted' if call.action == 'DeleteRule' else 'modified'}",
    )


@guards("elbv2:SetRulePriorities")
def priorities_are_free(call: Call) -> None:
    wanted = {one["RuleArn"]: one.get("Priority") for one in call.parameters.get("RulePriorities") or ()}
    rules = _rules(call.region)
    for arn, priority in wanted.items():
        want_range(priority, 1, 50000, "ValidationError", f"Priority '{priority}' must be 1 to 50000")
        listener = next((listener for rule, listener in rules if rule.arn == arn), None)
        refuse_if(listener is None, "RuleNotFound", f"One or more rules not found: '{arn}'")
        others = [rule for rule, its in rules if its is listener and rule.arn not in wanted and not rule.is_default]
        refuse_if(
            str(priority) in {str(rule.priority) for rule in others},
            "PriorityInUse",
            f"Priority '{priority}' is currently in use",
        )
