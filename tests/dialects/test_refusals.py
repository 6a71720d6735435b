"""Every refusal that the core and HTTP know has an answer in every dialect's shape."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from estafette.core.accounts.acts import Act
from estafette.core.deliveries.delivery import Status
from estafette.core.errors import Refusal
from estafette.core.money.payment import PaymentMethod
from estafette.core.proofs.proof import ProofKind, ProofStage
from estafette.http.refusals import Detail, HttpRefusal
from tests.edges import EDGES, Edge

_ID = UUID("0195602a-1d00-7abc-8def-0123456789ab")
SAMPLES: dict[Any, Any] = {
    UUID: _ID,
    UUID | None: _ID,
    Status: Status.IN_TRANSIT,
    PaymentMethod: PaymentMethod.COD,
    tuple[PaymentMethod, ...]: (PaymentMethod.PREPAID,),
    Act: Act.CANCEL,
    tuple[Act, ...]: (Act.READ, Act.QUOTE),
    ProofStage: ProofStage.DROPOFF,
    tuple[ProofKind, ...]: (ProofKind.PHOTO, ProofKind.AGE),
    str: "text",
    str | None: "Luanda",
    bool: True,
    int: 7,
    datetime: datetime(2026, 3, 4, tzinfo=UTC),
    tuple[str, ...]: ("parcel",),
    tuple[Detail, ...]: (Detail("a", "is wrong"), Detail("b.c", "is wrong")),
}


def _tree(root: type[Exception]) -> Iterator[type[Exception]]:
    """All refusals but those that a dialect or another edge has for itself."""
    for kind in root.__subclasses__():
        if kind.__module__.startswith(("estafette.core.", "estafette.http.")):
            yield kind
            yield from _tree(kind)


_KINDS = [*_tree(Refusal), *_tree(HttpRefusal)]


@pytest.mark.parametrize("edge", EDGES, ids=str)
@pytest.mark.parametrize("kind", _KINDS, ids=lambda kind: kind.__name__)
def test_refusal_is_answered_in_the_shape_of_the_dialect(edge: Edge, kind: Any) -> None:
    reply = edge.refuse(kind(**{field.name: SAMPLES[field.type] for field in fields(kind)}))
    headers = {name.decode(): value.decode() for name, value in reply.headers}
    assert edge.check_error(reply.status, {**headers, "x-request-id": "x"}, reply.body)
