"""The proofs of a delivery, as its page shows them."""

from datetime import datetime
from typing import Final, NamedTuple

from estafette.core.proofs.proof import Proof, ProofKind, ProofStage
from estafette.http.texts import N_, gettext

KINDS: Final = {
    ProofKind.PIN: N_("PIN"),
    ProofKind.SIGNATURE: N_("Signature"),
    ProofKind.PHOTO: N_("Photo"),
    ProofKind.NAME: N_("Name of the person"),
    ProofKind.DOCUMENT: N_("Document looked at"),
    ProofKind.AGE: N_("Age checked"),
}

STAGES: Final = {
    ProofStage.PICKUP: N_("At the pickup"),
    ProofStage.DROPOFF: N_("At the door"),
    ProofStage.RETURN: N_("Brought back"),
}


class ShownProof(NamedTuple):
    """A proof in the reader's language; `link` opens its picture, if it has one."""

    kind: str
    stage: str
    said: str | None
    taken_at: datetime
    metres: int | None
    link: str | None


def shown_proof(proof: Proof, link: str | None) -> ShownProof:
    """Returns a proof as it is shown."""
    kind, stage = gettext(KINDS[proof.kind]), gettext(STAGES[proof.stage])
    return ShownProof(kind, stage, proof.said, proof.taken_at, proof.metres, link)
