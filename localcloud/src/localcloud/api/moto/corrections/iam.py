"""Corrections to IAM and STS."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.iam.models import SERVICE_NAME_CONVERSION, Role, User
from moto.iam.responses import IamResponse
from moto.sts.models import STSBackend
from moto.sts.responses import TokenResponse

from localcloud.api.errors import AwsError

from ..patching import replace


def names_of_service_linked_roles() -> None:
    """Service-linked roles have AWS's names (moto: AWSServiceRoleForrds). For looking up a service's role."""
    SERVICE_NAME_CONVERSION.update(elasticloadbalancing="ElasticLoadBalancing", rds="RDS")


def boundaries_of_users() -> None:
    """Users can have permissions boundaries, as roles can. For iam_user and policy evaluation."""
    original = IamResponse.create_user

    def create_user(self: Any) -> ActionResult:
        answer = original(self)
        if arn := self._get_param("PermissionsBoundary"):
            self.backend.get_user(self._get_param("UserName")).permissions_boundary_arn = _policy(self.backend, arn)
        return answer

    def put_user_permissions_boundary(self: Any) -> ActionResult:
        user = self.backend.get_user(self._get_param("UserName"))
        user.permissions_boundary_arn = _policy(self.backend, self._get_param("PermissionsBoundary"))
        return EmptyResult()

    def delete_user_permissions_boundary(self: Any) -> ActionResult:
        self.backend.get_user(self._get_param("UserName")).permissions_boundary_arn = None
        return EmptyResult()

    replace(User, permissions_boundary_arn=None, permissions_boundary=Role.permissions_boundary)
    replace(
        IamResponse,
        create_user=create_user,
        put_user_permissions_boundary=put_user_permissions_boundary,
        delete_user_permissions_boundary=delete_user_permissions_boundary,
    )


def _policy(backend: Any, arn: str) -> str:
    if arn not in backend.managed_policies:
        raise AwsError("NoSuchEntity", f"Scope ARN: {arn} does not exist or is not attachable.", 404)
    return arn


def session_policies_by_arn() -> None:
    """A session keeps the PolicyArns of AssumeRole. For policy evaluation."""
    original = TokenResponse.assume_role

    def assume_role(self: Any) -> ActionResult:
        answer = original(self)
        backend: STSBackend = self.backend
        backend.assumed_roles[-1].policy_arns = [policy["arn"] for policy in self._get_param("PolicyArns") or []]  # type: ignore[attr-defined]
        return answer

    replace(TokenResponse, assume_role=assume_role)


ALL = (names_of_service_linked_roles, boundaries_of_users, session_policies_by_arn)
