"""The list: pages, filters and what is refused in its query."""

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from uuid import UUID

import pytest

from estafette.core.deliveries.delivery import Status
from estafette.dialects.kaspi.listing import ListRequest, read_list, write_cursor
from estafette.http.moments import timestamp
from estafette.http.refusals import Detail, InvalidRequest
from estafette.usecases.deliveries.find import Filter, Position
from tests.dialects.kaspi.answers import DELIVERIES, bad_fields
from tests.edges import KASPI
from tests.rows import tables
from tests.serving import Tenant, delivery_id


def test_a_query_is_read_whole() -> None:
    after = Position(datetime(2026, 3, 4, 5, 6, 7, 890_123, tzinfo=UTC), UUID(int=2**127 + 5))
    query = (
        "status=delivered,created&externalOrderId=o%201&createdFrom=2026-03-04T05:06:07Z"
        f"&createdTo=2026-03-04T05:06:08Z&limit=100&cursor={quote(write_cursor(after))}"
    )
    assert read_list(query.encode()) == ListRequest(
        Filter(
            [Status.AWAITING_PAYMENT, Status.PENDING, Status.DELIVERED],
            "o 1",
            datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
            datetime(2026, 3, 4, 5, 6, 8, 999_999, tzinfo=UTC),
        ),
        after,
        100,
    )
    assert read_list(b"") == ListRequest(Filter(), None, 20)


def test_a_query_that_cannot_be_read_is_told_why() -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_list(b"status=lost&createdFrom=x&createdTo=y&cursor=z&limit=101&externalOrderId=%00")
    moment = "must be a time of RFC 3339, such as 2024-06-12T08:20:54Z"
    assert refused.value.details == (
        Detail(
            "status",
            "must be one or more of created, accepted, in_transit, out_for_delivery, delivered,"
            " cancelled, separated by commas",
        ),
        Detail("externalOrderId", "contains the character NUL"),
        Detail("createdFrom", moment),
        Detail("createdTo", moment),
        Detail("cursor", "must be the nextCursor of an earlier page"),
        Detail("limit", "must be an integer from 1 to 100"),
    )


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        base64.urlsafe_b64encode(b"x" * 23).decode(),
        base64.urlsafe_b64encode(b"x" * 25).decode(),
        base64.urlsafe_b64encode(b"\x7f" * 24).decode(),  # far beyond the year 9999
        base64.urlsafe_b64encode(bytes(24)).decode() + "!",
    ],
)
def test_no_other_text_is_a_cursor(cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        read_list(f"cursor={quote(cursor)}".encode())


async def _listed(tenant: Tenant, query: str) -> list[str]:
    answer = await tenant.get(f"{DELIVERIES}{query}")
    assert answer.status == 200, answer.body
    return [delivery["deliveryId"] for delivery in answer.told["data"]]


async def test_list_is_paged_from_the_newest(kaspi: Tenant) -> None:
    ids = [await kaspi.create() for _ in range(5)]
    seen: list[str] = []
    query = "?limit=2"
    while True:
        told = (await kaspi.get(f"{DELIVERIES}{query}")).told
        seen += [delivery["deliveryId"] for delivery in told["data"]]
        if told["nextCursor"] is None:
            break
        await kaspi.create()  # shifts no later page
        query = f"?limit=2&cursor={quote(told['nextCursor'])}"
    assert seen == ids[::-1]


async def test_list_shows_deliveries_as_they_are_shown_alone(kaspi: Tenant) -> None:
    id = await kaspi.create()
    alone = (await kaspi.call(KASPI.get(id))).told
    assert (await kaspi.get(DELIVERIES)).told == {"data": [alone], "nextCursor": None}


async def test_list_is_filtered_by_status(kaspi: Tenant) -> None:
    created, accepted, moving = [await kaspi.create() for _ in range(3)]
    await kaspi.move(accepted, Status.ASSIGNED, Status.PICKUP_READY)
    await kaspi.move(moving, Status.ASSIGNED, Status.IN_TRANSIT, Status.STALLED)
    assert await _listed(kaspi, "?status=created") == [created]
    assert await _listed(kaspi, "?status=accepted,in_transit") == [moving, accepted]
    for several in ("status=created&status=accepted", "status[]=created&status%5B%5D=accepted"):
        assert await _listed(kaspi, f"?{several}") == [accepted, created]
    assert await _listed(kaspi, "?status=delivered") == []


async def test_list_is_filtered_by_order(kaspi: Tenant) -> None:
    id = await kaspi.create("заказ 1/2")
    await kaspi.create("order-2")
    assert await _listed(kaspi, f"?externalOrderId={quote('заказ 1/2')}") == [id]
    assert await _listed(kaspi, "?externalOrderId=none") == []


async def test_list_is_filtered_by_time_inclusively(kaspi: Tenant) -> None:
    id = await kaspi.create()
    async with kaspi.server.platform.pool.acquire() as connection:
        where = {"account_id": kaspi.account.id, "id": delivery_id(id)}
        at: datetime = await tables.value(connection, "deliveries", "created_at", where)
    exact = at.isoformat().replace("+00:00", "Z")
    second = timestamp(at)
    before, after = (timestamp(at + timedelta(seconds=by)) for by in (-1, 1))
    elsewhere = at.astimezone(UTC).replace(tzinfo=None) + timedelta(hours=5)
    for query in (
        f"?createdFrom={exact}",
        f"?createdTo={exact}",
        f"?createdFrom={second}&createdTo={second}",
        f"?createdFrom={before}&createdTo={after}",
        f"?createdTo={elsewhere.isoformat(timespec='milliseconds')}%2B05:00",
        f"?createdTo={elsewhere.isoformat(timespec='milliseconds')}+05:00",
    ):
        assert await _listed(kaspi, query) == [id], query
    for query in (f"?createdFrom={after}", f"?createdTo={before}"):
        assert await _listed(kaspi, query) == []


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("limit=0", {"limit"}),
        ("limit=101", {"limit"}),
        ("limit=", {"limit"}),
        ("limit=ten", {"limit"}),
        ("limit=-1", {"limit"}),
        ("limit=%D9%A1", {"limit"}),
        ("limit=1&limit=2", {"limit"}),
        ("status=lost", {"status"}),
        ("status=", {"status"}),
        ("status=created,", {"status"}),
        ("cursor=x", {"cursor"}),
        ("cursor=%00", {"cursor"}),
        ("cursor=" + "_" * 31, {"cursor"}),
        ("createdFrom=yesterday", {"createdFrom"}),
        ("createdFrom=2024-06-12", {"createdFrom"}),
        ("createdFrom=2024-06-12T08:20:54", {"createdFrom"}),
        ("createdFrom=2024-13-12T08:20:54Z", {"createdFrom"}),
        ("createdFrom=0001-01-01T00:00:00%2B14:00", {"createdFrom"}),
        ("createdTo=9999-12-31T23:59:59-14:00", {"createdTo"}),
        ("createdTo=2024-06-12T08:20:60Z", {"createdTo"}),
        ("createdTo=2024-06-12T08:20:54%2B99:00", {"createdTo"}),
        ("externalOrderId=%00", {"externalOrderId"}),
        ("externalOrderId=" + "x" * 501, {"externalOrderId"}),
        ("limit=0&status=lost&cursor=x", {"limit", "status", "cursor"}),
    ],
)
async def test_bad_parameters_are_named_all_at_once(
    kaspi: Tenant, query: str, fields: set[str]
) -> None:
    assert bad_fields(await kaspi.get(f"{DELIVERIES}?{query}")) == fields


@pytest.mark.parametrize(
    "query",
    [
        "unknown=1",
        "&&=&x",
        "externalOrderId=%ff",
        "createdFrom=0001-01-01T00:00:00Z",
        "createdFrom=2024-06-12t08:20:54.123456789z",
        "createdTo=9999-12-31T23:59:59Z",
    ],
)
async def test_unusual_parameters_do_no_harm(kaspi: Tenant, query: str) -> None:
    assert (await kaspi.get(f"{DELIVERIES}?{query}")).status == 200
