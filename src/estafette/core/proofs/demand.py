"""Which proofs are demanded of whoever carries a delivery: by its merchant, by the company."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from estafette.core.proofs.proof import OF_STAGE, ProofKind, ProofStage

_Kinds = frozenset[ProofKind]
_NONE: _Kinds = frozenset()


@dataclass(frozen=True, slots=True)
class Demand:
    """The proofs without which a parcel is not picked up, handed over or brought back."""

    pickup: _Kinds = _NONE
    dropoff: _Kinds = _NONE
    returned: _Kinds = _NONE

    def __post_init__(self) -> None:
        """Raises ValueError where a stage has no such proof."""
        for stage in ProofStage:
            if wrong := self.at(stage) - OF_STAGE[stage]:
                raise ValueError(f"there is no {min(wrong)} at the {stage}")

    def __bool__(self) -> bool:
        """Whether anything is demanded."""
        return bool(self.pickup or self.dropoff or self.returned)

    def __or__(self, other: "Demand") -> "Demand":
        """What both demand together."""
        return Demand(
            self.pickup | other.pickup,
            self.dropoff | other.dropoff,
            self.returned | other.returned,
        )

    def at(self, stage: ProofStage) -> _Kinds:
        """Returns what is demanded at a stage."""
        if stage is ProofStage.PICKUP:
            return self.pickup
        return self.dropoff if stage is ProofStage.DROPOFF else self.returned


NOTHING: Final = Demand()

STAGES: Final = tuple(stage.value for stage in ProofStage)


def as_words(demand: Demand) -> dict[str, list[str]]:
    """Returns a demand by stage, in an order that stays; stages without any are left out."""
    by_stage = {stage.value: demand.at(stage) for stage in ProofStage}
    return {
        stage: [kind.value for kind in ProofKind if kind in kinds]
        for stage, kinds in by_stage.items()
        if kinds
    }


def from_words(words: Mapping[str, Iterable[str]]) -> Demand:
    """Returns the demand that `as_words` wrote. Raises ValueError for what it never writes."""
    if unknown := words.keys() - set(STAGES):
        raise ValueError(f"{min(unknown)} is none of {', '.join(STAGES)}")
    return Demand(
        *(frozenset(ProofKind(kind) for kind in words.get(stage, ())) for stage in STAGES)
    )


def fault_of(value: Any) -> tuple[str, str] | None:
    """Returns the field of a decoded `{stage: [kinds]}` that is wrong, and why; None: it is good.

    The field is relative to the object, "" for the object itself.
    """
    if not isinstance(value, dict):
        return "", "must be an object"
    for stage, kinds in cast("dict[str, Any]", value).items():
        if stage not in STAGES:
            return "", f"must have {', '.join(STAGES)} alone"
        allowed = [kind for kind in ProofKind if kind in OF_STAGE[ProofStage(stage)]]
        given = cast("list[Any]", kinds) if isinstance(kinds, list) else None
        if given is None or len(given) > len(ProofKind):
            return stage, f"must be a list of {', '.join(allowed)}"
        if any(kind not in allowed for kind in given):
            return stage, f"must hold {', '.join(allowed)} alone"
    return None
