"""The list's query string: its filters, its order, its page."""

from estafette.core.deliveries.delivery import Status
from estafette.dialects.entrega.errors import InvalidQuery
from estafette.dialects.entrega.words import STATUSES, statuses_of
from estafette.http.parameters import Query, Unreadable, moment, single, text, whole_number
from estafette.http.refusals import shortened
from estafette.usecases.deliveries.search import ListFilter

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
MAX_OFFSET = 100_000
SORTS = {"inserted_at_desc": True, "inserted_at_asc": False}

PARAMETERS = (
    "status",
    "inserted_at_gte",
    "inserted_at_lte",
    "sort",
    "search",
    "limit",
    "offset",
)
"""The parameters that a request may have."""


_MOST_NAMED = 10
_REPLACED = "\ufffd"  # stands in the place of bytes that are not UTF-8


def read_list(query: bytes) -> ListFilter:
    """Returns the page that a query asks for. Raises InvalidQuery with all bad parameters."""
    asked = Query(query)
    statuses = asked.read("status", _statuses)
    since = asked.read("inserted_at_gte", moment)
    until = asked.read("inserted_at_lte", moment)
    descending = asked.read("sort", _descending)
    search = asked.read("search", _search)
    limit = asked.read("limit", whole_number(1, MAX_LIMIT))
    offset = asked.read("offset", whole_number(0, MAX_OFFSET))
    asked.refuse_others(PARAMETERS)
    if asked.faults:
        raise InvalidQuery(tuple(asked.faults))
    return ListFilter(
        statuses=statuses,
        inserted_from=since and since.at,
        inserted_to=until and until.end,
        search=search or None,
        descending=True if descending is None else descending,
        limit=DEFAULT_LIMIT if limit is None else limit,
        offset=offset or 0,
    )


def _statuses(values: list[str]) -> tuple[Status, ...]:
    """Reads one status, several with commas between, or the parameter several times."""
    wanted = ",".join(values).split(",")
    unknown = [name for name in dict.fromkeys(wanted) if name not in STATUSES]
    if unknown == [""]:
        raise Unreadable("must name statuses, separated by commas")
    if unknown:
        named = ", ".join(map(shortened, unknown[:_MOST_NAMED]))
        more = f" and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else ""
        raise Unreadable(f"unknown status value(s): {named}{more}")
    return statuses_of(wanted)


def _search(values: list[str]) -> str:
    value = text(values)
    if _REPLACED in value:
        raise Unreadable("is not UTF-8")
    return value


def _descending(values: list[str]) -> bool:
    value = single(values)
    if value not in SORTS:
        raise Unreadable(f"must be one of {', '.join(SORTS)}")
    return SORTS[value]
