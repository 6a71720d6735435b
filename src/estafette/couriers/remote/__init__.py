"""Courier companies with a platform of their own: another Estafette, or whatever speaks Entrega."""

from estafette.couriers.remote.address import AddressRefusedError, check_address
from estafette.couriers.remote.app import build, webhook_url
from estafette.couriers.remote.client import Access, PlatformClient
from estafette.couriers.remote.courier import RemoteCourier
from estafette.couriers.remote.errors import ERRORS
from estafette.couriers.remote.metrics import count_dispatch
from estafette.couriers.remote.reach import reach_through
from estafette.couriers.remote.worker import Worker

__all__ = [
    "ERRORS",
    "Access",
    "AddressRefusedError",
    "PlatformClient",
    "RemoteCourier",
    "Worker",
    "build",
    "check_address",
    "count_dispatch",
    "reach_through",
    "webhook_url",
]
