"""What companies with a platform of their own need, whatever API the platform speaks.

How they are reached, called and left alone when they fail; errands there, which are never done
twice and never lost; the worker that runs them. An API is spoken in a folder beside this one,
which gives a `PlatformApi` (errands.py).
"""

from estafette.couriers.platforms.address import AddressRefusedError, check_address
from estafette.couriers.platforms.metrics import count_dispatch
from estafette.couriers.platforms.reach import Access, reach_through
from estafette.couriers.platforms.worker import ErrandWorker

__all__ = [
    "Access",
    "AddressRefusedError",
    "ErrandWorker",
    "check_address",
    "count_dispatch",
    "reach_through",
]
