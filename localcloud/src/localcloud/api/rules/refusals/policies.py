"""IAM: policy documents, what is attached to what, quotas; and who may assume a role."""

from __future__ import annotations

import json
import re
from typing import Any

from localcloud.api.errors import AwsError
from localcloud.api.iam import principals
from localcloud.api.iam.context import of_request
from localcloud.api.iam.documents import applies
from localcloud.api.moto import moto_state
from localcloud.api.request import Call
from localcloud.settings import ACCOUNT_ID

from .rules import guards, refuse_if, want_range

VERSIONS = ("2008-10-17", "2012-10-17")
ASSUME = ("sts:assumerole", "sts:tagsession", "sts:setsourceidentity", "sts:setcontext", "sts:*", "*")
ACTION = re.compile(r"\*|[a-zA-Z0-9-]+:[a-zA-Z0-9*?]+")
RESOURCE = re.compile(r"\*|arn:.+|\$\{.+")
SERVICE = re.compile(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?")
MANAGED_POLICY_LETTERS = 6144
ATTACHED_POLICIES = 10


def _malformed(message: str) -> AwsError:
    return AwsError("MalformedPolicyDocument", message)


def _statements(text: str) -> list[dict[str, Any]]:
    """The statements of a policy document that IAM would take. Raises AwsError MalformedPolicyDocument."""
    try:
        document = json.loads(text)
        statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
        well_formed = statements and all(isinstance(one, dict) for one in statements)
    except (ValueError, KeyError, TypeError) as error:
        raise _malformed("This policy contains invalid Json or has no Statement") from error
    if not well_formed or document.get("Version", VERSIONS[0]) not in VERSIONS:
        raise _malformed("Syntax errors in policy.")
    for one in statements:
        if one.get("Effect") not in ("Allow", "Deny"):
            raise _malformed("Effect must be Allow or Deny.")
    return statements


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@guards("iam:CreateRole", "iam:UpdateAssumeRolePolicy")
def a_role_says_who_may_assume_it(call: Call) -> None:
    for one in _statements(
        call.parameters.get("AssumeRolePolicyDocument") or call.parameters.get("PolicyDocument") or ""
    ):
        if "Resource" in one or "NotResource" in one:
            raise _malformed("Has prohibited field Resource")
        if not {"Principal", "NotPrincipal"} & one.keys() or not {"Action", "NotAction"} & one.keys():
            raise _malformed("Has prohibited or missing fields: Principal, Action")
        for action in _listed(one.get("Action", [])):
            if not str(action).lower().startswith(ASSUME):
                raise _malformed("AssumeRole policy may only specify STS AssumeRole actions.")
        _principals(one.get("Principal"))


def _principals(principal: Any) -> None:
    if not isinstance(principal, dict):
        if principal not in (None, "*"):
            raise _malformed("Syntax errors in policy.")
        return
    for service in _listed(principal.get("Service", [])):
        if not SERVICE.fullmatch(str(service)):
            raise _malformed(f'Invalid principal in policy: "SERVICE":"{service}"')


@guards(
    "iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:PutRolePolicy", "iam:PutUserPolicy", "iam:PutGroupPolicy"
)  # fmt: skip
def a_policy_is_one_for_an_identity(call: Call) -> None:
    text = call.parameters.get("PolicyDocument") or ""
    for one in _statements(text):
        if "Principal" in one or "NotPrincipal" in one:
            raise _malformed("Policy document should not specify a principal.")
        if not {"Action", "NotAction"} & one.keys() or not {"Resource", "NotResource"} & one.keys():
            raise _malformed("Policy statement must contain actions and resources.")
        for action in (*_listed(one.get("Action", [])), *_listed(one.get("NotAction", []))):
            if not ACTION.fullmatch(str(action)):
                raise _malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
        for resource in (*_listed(one.get("Resource", [])), *_listed(one.get("NotResource", []))):
            if not RESOURCE.fullmatch(str(resource)):
                raise _malformed(f'Resource {resource} must be in ARN format or "*".')
    letters = len(re.sub(r"\s", "", text))
    refuse_if(
        call.action.startswith("Create") and letters > MANAGED_POLICY_LETTERS,
        "LimitExceeded",
        f"Cannot exceed quota for PolicySize: {MANAGED_POLICY_LETTERS}",
    )


HOLDERS = {"Role": "roles", "User": "users", "Group": "groups"}


def _holders() -> list[Any]:
    iam = moto_state.iam()
    return [one for kind in HOLDERS.values() for one in getattr(iam, kind).values()]


@guards("iam:AttachRolePolicy", "iam:AttachUserPolicy", "iam:AttachGroupPolicy")
def few_policies_are_attached(call: Call) -> None:
    kind = call.action.removeprefix("Attach").removesuffix("Policy")
    holders = getattr(moto_state.iam(), HOLDERS[kind]).values()
    for holder in (one for one in holders if one.name == call.parameters.get(f"{kind}Name")):
        others = holder.managed_policies.keys() - {call.parameters.get("PolicyArn")}
        refuse_if(
            len(others) >= ATTACHED_POLICIES,
            "LimitExceeded",
            f"Cannot exceed quota for PoliciesPer{kind}: {ATTACHED_POLICIES}",
        )


@guards("iam:DeletePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicyVersion", "iam:SetDefaultPolicyVersion")
def awss_own_policies_stay(call: Call) -> None:
    arn = call.parameters.get("PolicyArn", "")
    if arn.startswith("arn:aws:iam::aws:"):
        raise AwsError("AccessDenied", f"User is not authorized to perform: {call.name} on resource: policy {arn}", 403)


@guards("iam:DeletePolicy")
def an_attached_policy_stays(call: Call) -> None:
    arn = call.parameters.get("PolicyArn")
    refuse_if(
        any(arn in one.managed_policies or arn == getattr(one, "permissions_boundary_arn", None) for one in _holders()),
        "DeleteConflict",
        "Cannot delete a policy attached to entities.",
    )
    policy = moto_state.iam().managed_policies.get(arn)
    refuse_if(
        policy is not None and len(policy.versions) > 1,
        "DeleteConflict",
        "This policy has more than one version. Before you delete a policy, you must delete the policy's versions.",
    )


@guards("iam:DeleteUser")
def a_user_with_keys_or_groups_stays(call: Call) -> None:
    iam, name = moto_state.iam(), call.parameters.get("UserName")
    user = iam.users.get(name)
    keys = bool(user is not None and (user.access_keys or getattr(user, "password", None)))
    refuse_if(keys, "DeleteConflict", "Cannot delete entity, must delete access keys and login profile first.")
    refuse_if(
        any(one.name == name for group in iam.groups.values() for one in group.users),
        "DeleteConflict",
        "Cannot delete entity, must remove users from group first.",
    )


@guards("iam:DeleteGroup")
def a_group_with_users_or_policies_stays(call: Call) -> None:
    group = moto_state.iam().groups.get(call.parameters.get("GroupName"))
    refuse_if(
        group is not None and (group.users or group.policies or group.managed_policies),
        "DeleteConflict",
        "Cannot delete entity, must remove users from group and detach all policies first.",
    )


def _profile(call: Call) -> Any:
    wanted = call.parameters["InstanceProfileName"]
    return next((one for one in moto_state.iam().instance_profiles.values() if one.name == wanted), None)


@guards("iam:DeleteInstanceProfile")
def an_instance_profile_with_a_role_stays(call: Call) -> None:
    profile = _profile(call)
    refuse_if(
        profile is not None and profile.roles,
        "DeleteConflict",
        "Cannot delete entity, must remove roles from instance profile first.",
    )


@guards("iam:AddRoleToInstanceProfile")
def an_instance_profile_has_one_role(call: Call) -> None:
    profile = _profile(call)
    refuse_if(
        profile is not None and profile.roles,
        "LimitExceeded",
        "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
    )


# -- who may assume a role ----------------------------------------------------------------------------------
@guards("sts:AssumeRole")
def the_role_trusts_the_caller(call: Call) -> None:
    arn = call.parameters.get("RoleArn", "")
    refuse_if(not re.fullmatch(r"arn:aws:iam::\d{12}:role/.+", arn), "ValidationError", f"{arn} is invalid")
    role = next((one for one in moto_state.iam().roles.values() if one.arn == arn), None)
    denied = AwsError("AccessDenied", f"User is not authorized to perform: sts:AssumeRole on resource: {arn}", 403)
    if role is None:
        raise denied
    longest = int(role.max_session_duration or 3600)
    want_range(
        call.parameters.get("DurationSeconds"),
        900,
        longest,
        "ValidationError",
        f"The requested DurationSeconds exceeds the MaxSessionDuration set for this role: {longest}",
    )
    document = role.assume_role_policy_document
    statements = _statements(document if isinstance(document, str) else json.dumps(document))
    trusting = [one for one in statements if _trusts(one, call)]
    if not trusting or any(one["Effect"] == "Deny" for one in trusting):
        raise denied


def _trusts(statement: dict[str, Any], call: Call) -> bool:
    """Whether the statement speaks of the caller. The account's root stands for everybody in it."""
    principal = statement.get("Principal")
    names = ["*"] if principal == "*" else _listed(principal.get("AWS", [])) if isinstance(principal, dict) else []
    who = principals.of_key(str(call.access_key))
    mine = {"*", ACCOUNT_ID, f"arn:aws:iam::{ACCOUNT_ID}:root", who.arn, *who.context["aws:principalarn"]}
    context = {**of_request(call), **who.context}
    return bool(mine & set(names)) and applies(statement, "sts:AssumeRole", "*", context)
