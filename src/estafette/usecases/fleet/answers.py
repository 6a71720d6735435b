"""What drivers who were asked have answered: as bounded facts, and the sentence they make."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from estafette.core.fleet.assignment import AssignmentState
from estafette.store.fleet.waiting import Asked

_MOST_ASKED: Final = 50


def answers(asked: Sequence[Asked]) -> dict[str, object]:
    """Returns as facts what drivers who were asked have answered."""
    refused = sum(one.state is AssignmentState.REFUSED for one in asked)
    silent = sum(one.state is AssignmentState.EXPIRED for one in asked)
    return {"refused": refused, "silent": silent, "asked": asked_facts(asked)}


def asked_facts(asked: Sequence[Asked]) -> list[dict[str, str]]:
    """Returns as facts who was asked, the last of them."""
    return [
        {"driver": str(one.driver_id), "state": one.state, "at": one.at.isoformat()}
        for one in asked[-_MOST_ASKED:]
    ]


def explained(facts: Mapping[str, Any]) -> str:
    """Returns facts of an offer, or of giving up, as a sentence without its full stop."""
    if "refused" in facts:
        count = len(facts["asked"])
        drivers = "1 driver was" if count == 1 else f"{count} drivers were"
        return f"{drivers} asked: {facts['refused']} refused, {facts['silent']} did not answer"
    kilometres = f"{facts['metres'] / 1000:.1f} km from the pickup"
    minutes = f"there in {round(facts['seconds'] / 60)} min"
    how = "the nearest" if facts["engine"] == "nearest" else "the best for all that waits"
    return f"{how}: {kilometres}, {minutes}"
