"""What is needed for companies with a platform of their own, whatever API the platform speaks.

This is how they are called over HTTP and left alone when they fail; the errands there, which are
never done twice and never lost; and the worker that runs them. Each API has a folder beside this
one, which provides a `PlatformApi` (errands.py).
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
