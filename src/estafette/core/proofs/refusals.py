"""Why a proof is refused, as data; what a driver's page says of each."""

from dataclasses import dataclass

from estafette.core.deliveries.delivery import Status
from estafette.core.proofs.proof import MOST_PROOFS


class ProofRefusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault of the program
    """What was sent is refused; its text says why, in a sentence without its full stop."""


@dataclass(unsafe_hash=True)
class ProofUnfit(ProofRefusal):
    """It is no proof of that kind at that stage; `reason` says what is wrong."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(unsafe_hash=True)
class ProofDiffers(ProofRefusal):
    """Something else was sent before under the same id."""

    def __str__(self) -> str:
        return "another proof was sent under this id"


@dataclass(unsafe_hash=True)
class ProofTooLate(ProofRefusal):
    """The delivery takes no proof any more, or not yet."""

    status: Status

    def __str__(self) -> str:
        return f"a delivery that is {self.status.value} takes no proof"


@dataclass(unsafe_hash=True)
class ProofsFull(ProofRefusal):
    """The delivery has as many proofs as one may have."""

    def __str__(self) -> str:
        return f"the delivery has {MOST_PROOFS} proofs already"


@dataclass(unsafe_hash=True)
class PictureUnfit(ProofRefusal):
    """The picture cannot be kept; `reason` is said in English, `code` tells the reasons apart."""

    code: str
    reason: str

    def __str__(self) -> str:
        return self.reason
