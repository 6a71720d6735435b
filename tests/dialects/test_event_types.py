"""Which webhooks there are of each dialect, as the contracts name them."""

import pytest

from estafette.app import DIALECTS
from estafette.core.deliveries.dialect import event_types


@pytest.mark.parametrize(
    ("dialect", "statuses"),
    [
        ("kaspi", "created accepted in_transit out_for_delivery delivered cancelled"),
        (
            "entrega",
            "created pending assigned pickup_ready in_transit out_for_delivery delivered cancelled"
            " failed stalled",
        ),
    ],
)
def test_every_webhook_is_known_in_the_order_of_a_life(dialect: str, statuses: str) -> None:
    assert event_types(DIALECTS[dialect]) == tuple(f"delivery.{each}" for each in statuses.split())
