"""Companies whose platform speaks Entrega, as its client: another Estafette, or whatever speaks it.

Sums are in whole kwanza, as Entrega has them. What such a company needs whatever its platform
speaks (errands, doubt, breakers, shares, slots, the worker) is in `couriers/platforms`. On the
command line, in settings, metrics and the database such a company is called `remote`.
"""

from estafette.couriers.entrega.app import build, webhook_url
from estafette.couriers.entrega.client import EntregaClient
from estafette.couriers.entrega.courier import EntregaCourier
from estafette.couriers.entrega.errors import ERRORS
from estafette.couriers.entrega.platform import EntregaPlatform

__all__ = [
    "ERRORS",
    "EntregaClient",
    "EntregaCourier",
    "EntregaPlatform",
    "build",
    "webhook_url",
]
