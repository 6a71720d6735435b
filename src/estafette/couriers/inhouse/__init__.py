"""Courier companies of the operator's own: tariffs and drivers are in this Estafette."""

from estafette.couriers.inhouse.courier import InhouseCourier

__all__ = ["InhouseCourier"]
