"""Simulated couriers: in sandbox mode deliveries move by themselves, by script or by hand."""

from estafette.couriers.sandbox.app import build
from estafette.couriers.sandbox.courier import city_loop, drivers_loop, loop
from estafette.couriers.sandbox.errors import ERRORS
from estafette.couriers.sandbox.page import Mention

__all__ = ["ERRORS", "Mention", "build", "city_loop", "drivers_loop", "loop"]
