"""Orders that people type, read as the bodies of an API: what all dialects do alike."""

from collections.abc import Mapping, Sequence
from typing import Any

from estafette.core.deliveries.order_form import FieldFault, OrderField, OrderRefusedError
from estafette.http.refusals import Detail


def filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the fields of a body that somebody has filled in: those that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def order_refused(details: Sequence[Detail], fields: Mapping[str, OrderField]) -> OrderRefusedError:
    """Returns the refusal of a typed order for the bad fields of its body.

    `fields` are the fields of the form by their paths in the body. A path that no field of the
    form has is told as it is.
    """
    return OrderRefusedError(
        tuple(FieldFault(fields.get(each.field, each.field), each.reason) for each in details)
    )
