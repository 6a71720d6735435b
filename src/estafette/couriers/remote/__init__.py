"""Courier companies with a platform of their own: another Estafette, or whatever speaks Entrega."""

from estafette.couriers.remote.client import Access, PlatformClient
from estafette.couriers.remote.courier import RemoteCourier

__all__ = ["Access", "PlatformClient", "RemoteCourier"]
