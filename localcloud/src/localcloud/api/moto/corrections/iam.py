"""Corrections to IAM."""

from __future__ import annotations

from moto.iam.models import SERVICE_NAME_CONVERSION


def names_of_service_linked_roles() -> None:
    """AWS's own spelling, for whoever asks whether a service's role is there (moto: AWSServiceRoleForrds)."""
    SERVICE_NAME_CONVERSION.update(elasticloadbalancing="ElasticLoadBalancing", rds="RDS")


ALL = (names_of_service_linked_roles,)
