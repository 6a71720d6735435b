"""The list: filters, order, pages, and every fault of a query at once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from estafette.core.deliveries.delivery import Status
from estafette.dialects.entrega.errors import InvalidQuery
from estafette.dialects.entrega.listing import read_list
from estafette.http.moments import timestamp
from estafette.http.refusals import Detail
from estafette.usecases.deliveries.search import ListFilter
from tests.dialects.entrega.answers import DELIVERIES, MARIEN, created, quotes, refused
from tests.edges import Call
from tests.rows import tables
from tests.serving import Tenant, delivery_id


def test_a_query_is_read_whole() -> None:
    query = (
        b"status=pending,assigned&status=pending&inserted_at_gte=2026-03-04T05:06:07Z&search=rua"
        b"&inserted_at_lte=2026-03-04T05:06:08Z&sort=inserted_at_asc&limit=100&offset=100000"
    )
    assert read_list(query) == ListFilter(
        statuses=(Status.PENDING, Status.ASSIGNED),
        inserted_from=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
        inserted_to=datetime(2026, 3, 4, 5, 6, 8, 999_999, tzinfo=UTC),
        search="rua",
        descending=False,
        limit=100,
        offset=100_000,
    )
    assert read_list(b"") == read_list(b"search=&sort=inserted_at_desc") == ListFilter()


def test_a_query_that_cannot_be_read_is_told_why() -> None:
    with pytest.raises(InvalidQuery) as refused:
        read_list(b"status=,&sort=up&limit=0&offset=100001&search=%ff&inserted_at_gte=x&page=2")
    assert refused.value.details == (
        Detail("status", "must name statuses, separated by commas"),
        Detail("inserted_at_gte", "must be a time of RFC 3339, such as 2024-06-12T08:20:54Z"),
        Detail("sort", "must be one of inserted_at_desc, inserted_at_asc"),
        Detail("search", "is not UTF-8"),
        Detail("limit", "must be an integer from 1 to 100"),
        Detail("offset", "must be an integer from 0 to 100000"),
        Detail("page", "unknown parameter"),
    )


@pytest.mark.parametrize(("many", "more"), [(10, ""), (11, " and 1 more"), (12, " and 2 more")])
def test_of_many_unknown_statuses_ten_are_told(many: int, more: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        read_list(f"status={','.join(f's{number}' for number in range(many))}".encode())
    told = ", ".join(f"s{number}" for number in range(10))
    (detail,) = refused.value.details
    assert detail.reason == f"unknown status value(s): {told}{more}"


async def _page(tenant: Tenant, query: str = "") -> dict[str, Any]:
    return await tenant.ask(Call("GET", f"{DELIVERIES}?{query}"))


async def _ids(tenant: Tenant, query: str = "") -> list[str]:
    return [each["id"] for each in (await _page(tenant, query))["data"]]


async def _faults(tenant: Tenant, query: str) -> dict[str, str]:
    told = refused(await tenant.get(f"{DELIVERIES}?{query}"), 422)
    assert told["title"] == "Validation Error"
    assert told["detail"] == "One or more query params are invalid"
    return {each["param"]: each["reason"] for each in told["errors"]}


async def test_empty_list_has_its_shape(entrega: Tenant) -> None:
    assert await _page(entrega) == {
        "data": [],
        "pagination": {"limit": 20, "offset": 0, "has_more": False},
    }


async def test_newest_come_first_unless_asked_otherwise(entrega: Tenant) -> None:
    ids = [(await created(entrega))["id"] for _ in range(3)]
    assert await _ids(entrega) == ids[::-1]
    assert await _ids(entrega, "sort=inserted_at_desc") == ids[::-1]
    assert await _ids(entrega, "sort=inserted_at_asc") == ids


async def test_pages_follow_each_other_without_a_total(entrega: Tenant) -> None:
    ids = [(await created(entrega))["id"] for _ in range(5)][::-1]
    first = await _page(entrega, "limit=2")
    assert set(first) == {"data", "pagination"}
    assert first["pagination"] == {"limit": 2, "offset": 0, "has_more": True}
    last = await _page(entrega, "limit=2&offset=4")
    assert last["pagination"] == {"limit": 2, "offset": 4, "has_more": False}
    assert (await _page(entrega, "limit=5"))["pagination"]["has_more"] is False
    pages = [await _ids(entrega, f"limit=2&offset={offset}") for offset in (0, 2, 4, 6)]
    assert [id for page in pages for id in page] == ids
    assert await _ids(entrega, "offset=100000") == []


@pytest.mark.parametrize("sort", ["inserted_at_desc", "inserted_at_asc"])
async def test_pages_are_stable_among_equal_times(entrega: Tenant, sort: str) -> None:
    ids = {(await created(entrega))["id"] for _ in range(7)}
    pool, mine = entrega.server.platform.pool, {"account_id": entrega.account.id}
    for table in ("deliveries", "search_texts"):
        await tables.change(pool, table, mine, created_at=datetime(2026, 2, 1, tzinfo=UTC))
    pages = [await _ids(entrega, f"sort={sort}&limit=2&offset={n}") for n in (0, 2, 4, 6)]
    seen = [id for page in pages for id in page]
    assert len(seen) == len(set(seen)) == 7
    assert set(seen) == ids
    assert sorted(seen, key=delivery_id, reverse=sort == "inserted_at_desc") == seen


async def _age(tenant: Tenant) -> None:
    """Lets all that is there have been created an hour earlier."""
    pool, mine = tenant.server.platform.pool, {"account_id": tenant.account.id}
    for table in ("deliveries", "search_texts"):
        await tables.shift(pool, table, mine, created_at=timedelta(hours=-1))


@pytest.mark.parametrize("sort", ["inserted_at_desc", "inserted_at_asc"])
async def test_pages_skip_and_repeat_nothing_while_deliveries_are_created(
    entrega: Tenant, sort: str
) -> None:
    old = [(await created(entrega))["id"] for _ in range(6)]
    await _age(entrega)
    held = (await _page(entrega))["data"][0]["inserted_at"]
    seen: list[str] = []
    for offset in (0, 2, 4, 6):
        seen += await _ids(entrega, f"sort={sort}&limit=2&offset={offset}&inserted_at_lte={held}")
        await created(entrega)
    assert seen == (old if sort == "inserted_at_asc" else old[::-1])


async def test_one_status_or_several_are_chosen(entrega: Tenant) -> None:
    pending, assigned, transit = [(await created(entrega))["id"] for _ in range(3)]
    await entrega.move(assigned, Status.ASSIGNED)
    await entrega.move(transit, Status.ASSIGNED, Status.IN_TRANSIT)
    waiting = (await created(entrega, payment_method="bank_transfer"))["id"]
    assert await _ids(entrega, "status=pending") == [pending]
    assert await _ids(entrega, "status=pending,assigned,in_transit") == [
        transit,
        assigned,
        pending,
    ]
    assert await _ids(entrega, "status=awaiting_payment") == [waiting]
    assert await _ids(entrega, "status=pending,pending") == [pending]
    several = "status=pending&status=assigned%2Cin_transit&status=pending"
    assert await _ids(entrega, several) == [transit, assigned, pending]
    for several in (
        "status[]=pending&status[]=assigned",
        "status%5B0%5D=pending&status%5B1%5D=assigned",
    ):
        assert await _ids(entrega, several) == [assigned, pending]
    assert await _ids(entrega, "status=delivered") == []


async def test_times_are_inclusive(entrega: Tenant) -> None:
    shown = await created(entrega)
    at = datetime.fromisoformat(shown["inserted_at"])
    before, same, after = (timestamp(at + timedelta(seconds=by)) for by in (-1, 0, 1))
    for query, found in (
        (f"inserted_at_gte={same}", True),
        (f"inserted_at_lte={same}", True),
        (f"inserted_at_gte={same}&inserted_at_lte={same}", True),
        (f"inserted_at_gte={after}", False),
        (f"inserted_at_lte={before}", False),
        (f"inserted_at_gte={at.astimezone().isoformat()}", True),
        ("inserted_at_gte=2026-02-01T00:00:00Z&inserted_at_lte=2026-03-01T00:00:00Z", False),
    ):
        assert await _ids(entrega, query) == ([shown["id"]] if found else []), query


async def test_search_finds_pieces_whatever_case_and_accents(entrega: Tenant) -> None:
    destination = MARIEN | {"address_line": "Avenida Brasil, Maiánga", "city": "Viana"}
    quote_id = (await quotes(entrega, destination=destination))["zango-entregas"]["quote_id"]
    found = await created(entrega, quote_id=quote_id, destination=destination)
    other = await created(entrega)
    for text in ("maianga", "MAIANGA", "Maiánga", "Maia\u0301nga", "brasil, mai", "viana"):
        assert await _ids(entrega, f"search={quote(text)}") == [found["id"]], text
    assert await _ids(entrega, "search=nguabi") == [other["id"]]
    assert await _ids(entrega, "search=21%20de%20janeiro") == [other["id"], found["id"]]
    assert await _ids(entrega, f"search={found['reference']}") == [found["id"]]
    assert len(await _ids(entrega, "search=dlv-2")) == 2
    assert len(await _ids(entrega, "search=")) == 2
    for text in ("nowhere", "%", "_", "photo", "zango", "Maianga\nViana"):
        assert await _ids(entrega, f"search={quote(text)}") == [], text


async def test_filters_work_together(entrega: Tenant) -> None:
    ids = [(await created(entrega))["id"] for _ in range(3)]
    await entrega.move(ids[0], Status.ASSIGNED)
    query = "status=pending&search=luanda&sort=inserted_at_asc&limit=1&offset=1"
    page = await _page(entrega, f"{query}&inserted_at_gte=2026-01-01T00:00:00Z")
    assert [each["id"] for each in page["data"]] == [ids[2]]
    assert page["pagination"] == {"limit": 1, "offset": 1, "has_more": False}


async def test_unknown_status_is_named(entrega: Tenant) -> None:
    told = refused(await entrega.get(f"{DELIVERIES}?status=banana"), 422)
    assert told == {
        "type": "http://delivery.example/errors/unprocessable_entity",
        "title": "Validation Error",
        "status": 422,
        "detail": "One or more query params are invalid",
        "errors": [{"param": "status", "reason": "unknown status value(s): banana"}],
    }
    faults = await _faults(entrega, "status=banana,pending,kiwi,banana")
    assert faults == {"status": "unknown status value(s): banana, kiwi"}
    assert await _faults(entrega, "status=banana&status=pending&status=kiwi") == faults


async def test_all_faults_of_a_query_are_named_at_once(entrega: Tenant) -> None:
    faults = await _faults(
        entrega,
        "status=banana&inserted_at_gte=yesterday&inserted_at_lte=2026-13-01T00:00:00Z&sort=up"
        "&limit=0&offset=-1&search=a%00b&colour=red&page=2",
    )
    assert set(faults) == {
        "status",
        "inserted_at_gte",
        "inserted_at_lte",
        "sort",
        "limit",
        "offset",
        "search",
        "colour",
        "page",
    }
    assert faults["colour"] == faults["page"] == "unknown parameter"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        (
            "status",
            ["", ",", "Pending", "pending,", "pending,%20assigned", "created", "pending&status="],
        ),
        ("inserted_at_gte", ["", "2026-02-01", "2026-02-01T00:00:00", "1769900000", "0000-00-00T"]),
        (
            "inserted_at_lte",
            ["2026-02-30T00:00:00Z", "2026-02-01T25:00:00Z", "9999-12-31T23:59:59-23:59"],
        ),
        ("sort", ["", "inserted_at", "INSERTED_AT_ASC", "inserted_at_desc,inserted_at_asc"]),
        ("limit", ["", "0", "101", "-1", "+1", "1.0", "1e1", "ten", "%D9%A1", "99999999999"]),
        ("offset", ["", "-1", "100001", "1.5", "x", "%20"]),
        ("search", ["x" * 501, "%00", "%ff", "%ed%a0%80"]),
    ],
)
async def test_malformed_values_are_refused(entrega: Tenant, name: str, values: list[str]) -> None:
    for value in values:
        assert set(await _faults(entrega, f"{name}={value}")) == {name}, value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("inserted_at_gte", "2026-02-01T00:00:00Z"),
        ("inserted_at_lte", "2026-02-01T00:00:00Z"),
        ("sort", "inserted_at_asc"),
        ("search", "Maianga"),
        ("limit", "5"),
        ("offset", "0"),
    ],
)
async def test_what_has_one_value_is_given_once(entrega: Tenant, name: str, value: str) -> None:
    assert await _faults(entrega, f"{name}={value}&{name}={value}") == {name: "must be given once"}


@pytest.mark.parametrize(
    "query", ["limit=1", "limit=100", "offset=0", "offset=100000", "limit=050"]
)
async def test_bounds_are_inclusive(entrega: Tenant, query: str) -> None:
    assert (await entrega.get(f"{DELIVERIES}?{query}")).status == 200


async def test_lists_of_many_readers_at_once_are_all_whole(entrega: Tenant) -> None:
    ids = [(await created(entrega))["id"] for _ in range(3)][::-1]
    pages = await asyncio.gather(*(_ids(entrega) for _ in range(30)))
    assert all(page == ids for page in pages)
