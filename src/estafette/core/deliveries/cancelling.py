"""Whether a delivery is cancelled when its merchant asks for it."""

from enum import Enum

from estafette.core.couriers.upstream import Recalled
from estafette.core.deliveries.delivery import Progress, Status


class Decision(Enum):
    """What is done about a merchant's wish to cancel."""

    ASK_PLATFORM = "it may be cancelled, once no other platform carries it"
    CANCEL = "it is cancelled: the platform that carried it has cancelled it there"
    IS_CANCELLED = "nothing: whoever follows it at the platform has cancelled it here already"
    REFUSE = "it has gone too far"


def decide(progress: Progress, recalled: Recalled | None, *, may_cancel: bool) -> Decision:
    """Returns what is done about a delivery that has come as far as `progress`.

    `recalled` is the answer of the platform that carries it, None before that is asked.
    `may_cancel` is whether the dialect allows it now. What the platform has cancelled is cancelled
    here whatever the dialect allows, since it will not arrive.
    """
    called_off = recalled is Recalled.CANCELLED
    if called_off and progress.status is Status.CANCELLED:
        return Decision.IS_CANCELLED
    if Status.CANCELLED not in progress.allowed() or recalled is Recalled.REFUSED:
        return Decision.REFUSE
    if called_off:
        return Decision.CANCEL
    return Decision.ASK_PLATFORM if may_cancel else Decision.REFUSE
