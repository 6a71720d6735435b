"""The console's list of deliveries: find, filter, save a filter, export."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from estafette.core.csv_line import csv_line
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.errors import Busy
from estafette.core.people.permission import PersonAct
from estafette.http.reply import NO_STORE
from estafette.http.shell import Tone
from estafette.http.texts import gettext, read_by
from estafette.usecases.couriers.companies import offered_companies
from estafette.usecases.cursor import CursorUnknownError
from estafette.usecases.deliveries.changes import moment
from estafette.usecases.deliveries.people_lists import PeopleFilter, PeoplePage, find_for_people
from estafette.usecases.deliveries.saved_filters import (
    LONGEST_NAME,
    MOST,
    TooManyFiltersError,
    remove_filter,
    save_filter,
    saved_filters,
)
from estafette.web.asked import begin_of, day_in, end_of, id_in, known_id
from estafette.web.console.by_hand import by_hand
from estafette.web.parts import Column, Paging
from estafette.web.visit import Visit, render
from estafette.web.words import status_name

_FOLDER: Final = "web/console/templates"
_PAGE: Final = 50
_LONGEST: Final = 200

MOST_EXPORTED: Final = 50_000
"""How many deliveries an export has, at most: the newest."""

_EXPORTED_AT_ONCE: Final = 500

_SHORTEST: Final = timedelta(microseconds=1)
"""The shortest time that a database tells apart."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list is asked for, as it was typed: a query that the address keeps."""

    typed: str
    statuses: tuple[str, ...]
    since: str
    until: str
    company: str
    late: bool

    @classmethod
    def of(cls, request: Request) -> "Asked":
        """Reads a query; what cannot be read is left out."""
        query = request.query_params
        known = [status for status in query.getlist("status")[:20] if status in set(Status)]
        return cls(
            query.get("q", "").strip()[:_LONGEST],
            tuple(dict.fromkeys(known)),
            query.get("since", "") if day_in(query.get("since", "")) else "",
            query.get("until", "") if day_in(query.get("until", "")) else "",
            query.get("company", "") if known_id(query.get("company", "")) else "",
            query.get("late", "") == "yes",
        )

    @property
    def query(self) -> str:
        """The same as a query, without what is not asked for."""
        pairs: list[tuple[str, str]] = [("q", self.typed)] if self.typed else []
        pairs += [("status", status) for status in self.statuses]
        for name, value in (
            ("since", self.since),
            ("until", self.until),
            ("company", self.company),
            ("late", "yes" if self.late else ""),
        ):
            if value:
                pairs.append((name, value))
        return urlencode(pairs)

    def filter(self, zone: ZoneInfo) -> PeopleFilter:
        """Returns the filter; days are those of clocks in `zone`."""
        until = end_of(self.until, zone)
        return PeopleFilter(
            statuses=[Status(status) for status in self.statuses] or None,
            company_id=known_id(self.company),
            since=begin_of(self.since, zone),
            until=None if until is None else until - _SHORTEST,
            late=self.late,
        )


async def show(request: Request, visit: Visit) -> Response:
    """Shows the account's deliveries, newest first."""
    asked, after = Asked.of(request), request.query_params.get("after")
    read_at = moment(datetime.now(UTC))
    page = await _found(request, visit, asked, after, _PAGE)
    companies = await offered_companies(visit.platform, visit.account)
    here = f"{visit.home}/deliveries"
    kept = []
    if visit.may(PersonAct.VIEWS_SAVE):
        kept = await saved_filters(visit.platform, visit.person.id, visit.account.id)
    names = by_hand(request)

    def name_of(delivery: Delivery) -> str:
        return named(names.show(visit, delivery.id), delivery)

    return render(
        visit,
        f"{_FOLDER}/deliveries.html",
        here=here,
        asked=asked,
        columns=_columns(page.deliveries),
        rows=page.deliveries,
        name_of=name_of,
        now=datetime.now(UTC),
        statuses=[(status, status_name(status)) for status in Status],
        companies=[(one.id.hex, one.name) for one in companies],
        looked_to=page.looked_to and page.looked_to.created_at,
        paging=Paging(
            previous=f"{here}?{asked.query}" if after else "",
            next=_link(here, asked.query, page.next),
        ),
        kept=kept,
        read_at=read_at,
        may=visit.may,
        acts=PersonAct,
    )


def named(shown_id: str, delivery: Delivery) -> str:
    """Returns what people call a delivery: its reference, the merchant's order, or its id."""
    return delivery.reference or delivery.external_ref or shown_id


def _columns(deliveries: list[Delivery]) -> list[Column]:
    columns = [
        Column("name", gettext("Delivery")),
        Column("status", gettext("Status")),
        Column("recipient", gettext("Recipient")),
        Column("to", gettext("To")),
        Column("created", gettext("Created"), "time"),
        Column("due", gettext("Promised"), "time"),
        Column("fee", gettext("Fee"), "number"),
    ]
    if any(delivery.company_name for delivery in deliveries):
        columns.insert(4, Column("company", gettext("Courier company")))
    return columns


def _link(here: str, query: str, after: str | None) -> str:
    if after is None:
        return ""
    more = urlencode({"after": after})
    return f"{here}?{query}&{more}" if query else f"{here}?{more}"


async def _found(
    request: Request, visit: Visit, asked: Asked, after: str | None, limit: int
) -> PeoplePage:
    names = by_hand(request)
    zone = ZoneInfo(visit.account.market.time_zone)
    try:
        return await find_for_people(
            visit.platform,
            visit.scope,
            asked.filter(zone),
            asked.typed,
            after,
            limit,
            lambda text: names.read(visit, text),
        )
    except CursorUnknownError:
        raise HTTPException(404) from None


async def save(request: Request, visit: Visit) -> Response:
    """Keeps a filter under a name."""
    asked = Asked.of(request)
    here = f"{visit.home}/deliveries"

    async def do() -> Response:
        name = visit.form.value("name")
        try:
            await save_filter(visit.platform, visit.person.id, visit.account.id, name, asked.query)
        except TooManyFiltersError:
            said = gettext("You keep %(most)s filters already. Remove one first.", most=MOST)
        except ValueError:
            said = gettext("Give the filter a name of at most %(most)s characters.",
                most=LONGEST_NAME)  # fmt: skip
        else:
            said = gettext("The filter is saved.")
            return visit.go(f"{here}?{asked.query}", said)
        return visit.go(f"{here}?{asked.query}", said, Tone.WARNING)

    return await visit.once(do)


async def remove(request: Request, visit: Visit) -> Response:
    """Removes a filter that the person keeps."""
    id = id_in(request.path_params["filter"])
    if not any(
        one.id == id
        for one in await saved_filters(visit.platform, visit.person.id, visit.account.id)
    ):
        raise HTTPException(404)

    async def do() -> Response:
        await remove_filter(visit.platform, visit.person.id, visit.account.id, id)
        return visit.go(f"{visit.home}/deliveries", gettext("The filter is removed."))

    return await visit.once(do)


_EXPORTED: Final = (
    "id",
    "reference",
    "order",
    "status",
    "created_at",
    "updated_at",
    "pickup_by",
    "deliver_by",
    "pickup_address",
    "pickup_city",
    "sender",
    "sender_phone",
    "address",
    "city",
    "recipient",
    "recipient_phone",
    "weight_kg",
    "description",
    "declared_value",
    "fee",
    "currency",
    "payment",
    "cod",
    "company",
    "metadata",
)
"""The columns of an export, which docs/console.md tells of."""


async def export(request: Request, visit: Visit) -> Response:
    """Gives out what the list shows as CSV, a part at a time."""
    asked = Asked.of(request)
    first = await _found(request, visit, asked, None, _EXPORTED_AT_ONCE)
    stamp = f"{datetime.now(ZoneInfo(visit.account.market.time_zone)):%Y-%m-%d-%H%M}"
    name = f"deliveries-{visit.mode}-{stamp}.csv"
    return StreamingResponse(
        _exported(request, visit, asked, first),
        headers=csv_headers(name),
    )


def csv_headers(name: str) -> Mapping[str, str]:
    """Returns the headers of a CSV file of that name, which has no quotes."""
    return {
        "content-type": "text/csv; charset=utf-8",
        "content-disposition": f'attachment; filename="{name}"',
        "x-content-type-options": "nosniff",
        NO_STORE[0].decode(): NO_STORE[1].decode(),
    }


async def _exported(
    request: Request, visit: Visit, asked: Asked, first: PeoplePage
) -> AsyncIterator[str]:
    with read_by(visit.reader):
        yield "\ufeff" + csv_line(_EXPORTED)
    left, page = MOST_EXPORTED, first
    names = by_hand(request)
    while True:
        deliveries = page.deliveries[:left]
        left -= len(deliveries)
        yield "".join(
            csv_line(_exported_cells(visit, names.show(visit, one.id), one)) for one in deliveries
        )
        if page.next is None or left == 0:
            return
        page = await _next(request, visit, asked, page.next)


async def _next(request: Request, visit: Visit, asked: Asked, after: str) -> PeoplePage:
    """Returns the next part of an export, which has time: the account's lists go before it."""
    for _ in range(_MOST_WAITS):
        try:
            return await _found(request, visit, asked, after, _EXPORTED_AT_ONCE)
        except Busy as busy:
            await asyncio.sleep(busy.retry_after)
    return await _found(request, visit, asked, after, _EXPORTED_AT_ONCE)


_MOST_WAITS: Final = 20


def _exported_cells(visit: Visit, id: str, of: Delivery) -> list[object]:
    from orjson import dumps

    zone = ZoneInfo(visit.account.market.time_zone)
    times = [
        f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
        for at in (of.created_at, of.updated_at, of.pickup_by, of.deliver_by)
    ]
    grams = of.parcel.weight_grams
    return [
        id,
        of.reference,
        of.external_ref,
        of.status,
        *times,
        *(of.pickup.address, of.pickup.city, of.pickup.name, of.pickup.phone),
        *(of.dropoff.address, of.dropoff.city, of.dropoff.name, of.dropoff.phone),
        grams / 1000 if grams % 1000 else grams // 1000,
        of.parcel.description,
        of.parcel.declared_value,
        of.fee,
        visit.account.market.currency,
        of.payment.method,
        of.payment.cash_collect,
        of.company_name,
        dumps(of.metadata).decode() if of.metadata else None,
    ]
