"""The list's query string: its filters and its cursor."""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from estafette.core.deliveries.delivery import Status
from estafette.dialects.kaspi.words import STATUSES, milestones_of
from estafette.http.parameters import Query, Unreadable, moment, single, text, whole_number
from estafette.http.refusals import InvalidRequest
from estafette.usecases.deliveries.find import Filter, Position

DEFAULT_LIMIT = 20
MAX_LIMIT = 100

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class ListRequest(NamedTuple):
    """What a request to `GET /v1/deliveries` asks for."""

    filter: Filter
    after: Position | None
    limit: int


def read_list(query: bytes) -> ListRequest:
    """Returns the request in a query string. Raises InvalidRequest with all bad parameters."""
    asked = Query(query)
    request = ListRequest(
        Filter(
            milestones=asked.read("status", _statuses),
            external_ref=asked.read("externalOrderId", text),
            created_from=asked.read("createdFrom", _from),
            created_to=asked.read("createdTo", _to),
        ),
        after=asked.read("cursor", _cursor),
        limit=asked.read("limit", whole_number(1, MAX_LIMIT)) or DEFAULT_LIMIT,
    )
    if asked.faults:
        raise InvalidRequest(tuple(asked.faults))
    return request


def _statuses(values: list[str]) -> list[Status]:
    """Reads one status, several with commas between, or the parameter several times."""
    wanted = list(dict.fromkeys(",".join(values).split(",")))
    if not set(wanted) <= set(STATUSES):
        raise Unreadable(f"must be one or more of {', '.join(STATUSES)}, separated by commas")
    return milestones_of(wanted)


def _from(values: list[str]) -> datetime:
    return moment(values).at


def _to(values: list[str]) -> datetime:
    """Reads the end, which is included: all of the second if it is given in whole seconds."""
    return moment(values).end


def write_cursor(position: Position) -> str:
    """Returns a position as an opaque text."""
    microseconds = (position.created_at - _EPOCH) // _MICROSECOND
    raw = microseconds.to_bytes(8, "big", signed=True) + position.id.bytes
    return base64.urlsafe_b64encode(raw).decode("ascii")


def _cursor(values: list[str]) -> Position:
    try:
        raw = base64.b64decode(single(values), altchars=b"-_", validate=True)
        if len(raw) != 24:
            raise ValueError
        microseconds = int.from_bytes(raw[:8], "big", signed=True)
        return Position(_EPOCH + microseconds * _MICROSECOND, UUID(bytes=raw[8:]))
    except (ValueError, OverflowError, binascii.Error):
        raise Unreadable("must be the nextCursor of an earlier page") from None
