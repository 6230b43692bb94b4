"""The permissions that AWS requires for an action, for tests of policies."""

from ..api.iam.dependent_rights import RIGHTS, SERVICE_LINKED_ROLES, TAGS
from ..api.request import SERVICES

__all__ = ["RIGHTS", "SERVICES", "SERVICE_LINKED_ROLES", "TAGS"]
