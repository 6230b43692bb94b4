"""The principal that signed a call (a user or a role session), and its policies."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from moto.iam.models import ManagedPolicy
from moto.sts import sts_backends

from localcloud.settings import ACCOUNT_ID

from ..errors import AwsError
from ..moto import moto_state
from .documents import Document


@dataclass(frozen=True)
class Principal:
    """arn: as shown in refusals. context: its context keys, in lower case.

    policies: identity-based policies. boundary: None without a permissions boundary. session: the session policies
    passed to AssumeRole, or None.
    """

    arn: str
    context: dict[str, list[str]]
    policies: tuple[Document, ...] = ()
    boundary: tuple[Document, ...] | None = None
    session: tuple[Document, ...] | None = None

    @property
    def is_administrator(self) -> bool:
        """Whether AdministratorAccess applies without restriction, so that no evaluation is needed."""
        return [policy.name for policy in self.policies] == ["AdministratorAccess"] and not (
            self.boundary or self.session
        )


def managed(arn: str) -> Document:
    """The default version of a managed policy. Raises AwsError NoSuchEntity."""
    policy: ManagedPolicy | None = moto_state.iam().managed_policies.get(arn)
    if policy is None:
        raise AwsError("NoSuchEntity", f"Policy {arn} does not exist or is not attachable.", 404)
    version = next(version for version in policy.versions if version.is_default)
    return Document(text_of(version.document), policy.name)


def text_of(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


def policies_of(holder: Any) -> list[Document]:
    inline = [Document(text_of(text), name) for name, text in holder.policies.items()]
    return [*inline, *(managed(arn) for arn in holder.managed_policies)]


def user(found: Any) -> Principal:
    """The principal of a moto user, with its own policies and those of its groups."""
    iam = moto_state.iam()
    groups = [group for group in iam.groups.values() if any(member.name == found.name for member in group.users)]
    context = {
        **_common(str(found.arn), "User", iam.tagger.get_tag_dict_for_resource(found.arn)),
        "aws:username": [found.name],
        "aws:userid": [found.id],
    }
    policies = [document for holder in (found, *groups) for document in policies_of(holder)]
    return Principal(str(found.arn), context, tuple(policies), _boundary(found))


def role(found: Any) -> Principal:
    """The principal of a moto role, for the policy simulator."""
    tags = {tag["Key"]: tag["Value"] for tag in found.tags or []}
    return Principal(
        str(found.arn), _common(str(found.arn), "AssumedRole", tags), tuple(policies_of(found)), _boundary(found)
    )


def session(found: Any) -> Principal:
    """The principal of a moto assumed role."""
    arn = str(found.arn)
    owner = next((candidate for candidate in moto_state.iam().roles.values() if candidate.arn == found.role_arn), None)
    own = role(owner) if owner is not None else Principal(arn, _common(found.role_arn, "AssumedRole", {}))
    given = [Document(text_of(found.policy))] if found.policy else []
    given += [managed(policy_arn) for policy_arn in getattr(found, "policy_arns", ())]
    context = {**own.context, "aws:userid": [found.user_id], "aws:multifactorauthpresent": ["false"]}
    return Principal(arn, context, own.policies, own.boundary, tuple(given) if given else None)


def _common(arn: str, kind: str, tags: dict[str, str]) -> dict[str, list[str]]:
    return {
        "aws:principalarn": [arn],
        "aws:principalaccount": [ACCOUNT_ID],
        "aws:principaltype": [kind],
        **{f"aws:principaltag/{key.lower()}": [value] for key, value in tags.items()},
    }


def _boundary(holder: Any) -> tuple[Document, ...] | None:
    arn = getattr(holder, "permissions_boundary_arn", None)
    return (managed(arn),) if arn else None


def of_key(access_key: str) -> Principal:
    """The principal whose key signed a call."""
    for holder in moto_state.iam().users.values():
        if any(key.access_key_id == access_key for key in holder.access_keys):
            return user(holder)
    assumed = sts_backends[ACCOUNT_ID]["aws"].assumed_roles
    return session(next(role for role in assumed if role.access_key_id == access_key))
