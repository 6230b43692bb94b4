"""Attachments of the interfaces that belong to AWS's services, where moto knows only those of instances."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.core.utils import utcnow
from moto.ec2.models.elastic_network_interfaces import NetworkInterface

from ..patching import replace, wrap


@dataclass(frozen=True)
class ServiceAttachment:
    attachment_id: str
    instance_owner_id: str
    attach_time: datetime
    instance_id: None = None
    delete_on_termination: bool = False
    device_index: int = 1
    network_card_index: int = 0
    status: str = "attached"


def attach(interface: Any, service: str) -> None:
    """Attach an interface to a service, such as amazon-elb."""
    interface.service_attachment = ServiceAttachment(interface.id.replace("eni-", "ela-attach-"), service, utcnow())


def service_attachment(interface: Any) -> ServiceAttachment | None:
    """The attachment that only its service may touch."""
    return getattr(interface, "service_attachment", None)


def _filter_value(original: Any, interface: Any, filter_name: str, *rest: Any) -> Any:
    attachment = service_attachment(interface)
    if attachment is None or not filter_name.startswith("attachment."):
        return original(interface, filter_name, *rest)
    return getattr(attachment, filter_name.removeprefix("attachment.").replace("-", "_"), None)


def attachments_of_services() -> None:
    """Interfaces of load balancers, databases and NAT gateways show an attachment. For teardowns, which must not touch it."""
    of_an_instance = NetworkInterface.attachment.fget  # type: ignore[attr-defined]
    replace(NetworkInterface, attachment=property(lambda self: service_attachment(self) or of_an_instance(self)))
    wrap(NetworkInterface, get_filter_value=_filter_value)


ALL = (attachments_of_services,)
