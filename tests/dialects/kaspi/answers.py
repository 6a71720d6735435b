"""Looking at what the Kaspi dialect answers."""

from typing import Any

from tests.edges import KASPI
from tests.serving import Answer

DELIVERIES = "/delivery/v1/deliveries"
QUOTES = "/delivery/v1/quotes"
TEST = "/delivery/v1/webhooks/test"


def refused(answer: Answer, status: int) -> dict[str, Any]:
    """Asserts that a request was refused with this status, in Kaspi's shape; returns the body."""
    assert answer.status == status, answer.body
    KASPI.check_error(answer.status, answer.headers, answer.body)
    return answer.told


def bad_fields(answer: Answer) -> set[str]:
    """The fields that a 400 names."""
    return {detail["field"] for detail in refused(answer, 400)["details"]}
