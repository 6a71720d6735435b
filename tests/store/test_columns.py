"""What statements are given fits the tables that they write, column by column."""

from typing import Any

import asyncpg
import pytest

from estafette.store import audit
from estafette.store.accounts import keys, page_tallies, request_log
from estafette.store.columns import Columns, change, insertion, parameters, rows
from estafette.store.couriers import companies, dispatches
from estafette.store.deliveries import events, idempotency, references
from estafette.store.deliveries import rows as rows_of_deliveries
from estafette.store.deliveries import table as deliveries
from estafette.store.money import books
from estafette.store.quotes import catalog
from estafette.store.quotes import table as quotes
from estafette.store.webhooks import outbox

PAIR = Columns[tuple[int, str]](
    {"number": ("integer", lambda pair: pair[0]), "word": ("text", lambda pair: pair[1])}
)

ATTEMPT = outbox.RESULT.only(
    *("account_id", "message_id", "attempt", "duration_ms", "outcome", "http_status", "error"),
    *("endpoint_id", "request", "answer"),
)

OF_ERRANDS = {"state", "upstream_id", "fee", "attempt", "leased_until", "next_at", "heard"} | {
    *("doubted_at", "first_tried_at", "recalled_at", "seen", "polls", "last_error", "created_at")
}

WRITTEN: dict[str, tuple[tuple[Columns[Any], ...], set[str]]] = {
    "deliveries": (
        (deliveries.PLACE, deliveries.NEW, deliveries.TERMS, deliveries.WATCH, deliveries.MOVED),
        # of the event; by the statements; by what comes later
        {"status", "milestone", "seq", "created_at", "updated_at", "pin_failures", "erased_at"},
    ),
    "events": ((events.NEW,), {"account_id", "delivery_id", "id"}),
    "idempotency": ((idempotency.NEW,), {"created_at"}),
    "quotes": ((quotes.NEW,), {"payload", "used_by"}),
    "cities": ((catalog.CITY,), set()),
    "tariffs": ((catalog.TARIFF,), {"market", "company_id"}),
    "companies": ((companies.PLACE, companies.KEPT), {"created_at"}),
    "dispatches": ((dispatches.NEW,), OF_ERRANDS),
    "ledger_entries": ((books.LINE,), {"booked_at"}),
    "delivery_references": ((references.SERIES, references.LAST), set()),
    "page_tallies": ((page_tallies.COUNTED, page_tallies.TALLY), set()),
    "api_keys": ((keys.MADE, keys.KEPT), {"hash", "lineage"}),
    "key_uses": ((keys.USE,), set()),
    "api_requests": ((request_log.REQUEST,), set()),
    "audit": ((audit.NEW,), {"at"}),
    "attempts": ((ATTEMPT,), {"started_at", "worker"}),
}
"""The columns that records are written to, and the table's others, which are written otherwise."""

NAMED_OTHERWISE = {"event_id"}
MADE_OF_TEXT = {"announced", "counts"}
"""Arrays, which no array of values can hold: a statement makes them of texts."""


def test_the_text_and_the_arrays_have_the_columns_in_the_same_order() -> None:
    assert rows(PAIR) == "unnest($1::integer[], $2::text[]) as input (number, word)"
    assert PAIR.of([(1, "one"), (2, "two")]) == [[1, 2], ["one", "two"]]


def test_one_record_may_have_arrays_for_values() -> None:
    several = PAIR + Columns[tuple[int, str]]({"words": ("text[]", lambda pair: [pair[1]] * 2)})
    assert parameters(several, first=2) == "($2, $3, $4)"
    assert several.of_one((1, "one")) == [1, "one", ["one", "one"]]


def test_columns_of_a_part_stand_beside_others() -> None:
    whole = PAIR.within(_first) + Columns[list[Any]]({"many": ("bigint", len)})
    assert rows(whole, name="given", first=3) == (
        "unnest($3::integer[], $4::text[], $5::bigint[]) as given (number, word, many)"
    )
    assert whole.of([[(1, "one"), None]]) == [[1], ["one"], [2]]


def _first(record: list[Any]) -> tuple[int, str]:
    return record[0]


def test_two_columns_of_one_name_are_refused_before_anything_is_written() -> None:
    with pytest.raises(ValueError, match="number"):
        _ = PAIR + PAIR


def test_statements_name_each_column_beside_its_value() -> None:
    assert insertion("things", PAIR.types, word_length="length(word)") == (
        "insert into things (number, word, word_length) select number, word, length(word)"
        " from input"
    )
    assert change("things", ["word"], "given as input", by=["number"], at="now()") == (
        "update things set word = input.word, at = now() from given as input"
        " where things.number = input.number"
    )


@pytest.mark.parametrize("table", WRITTEN)
async def test_every_column_of_a_table_is_written_or_named_as_one_that_is_written_otherwise(
    table: str, connection: asyncpg.Connection
) -> None:
    types = await _types(connection, table)
    columns, others = WRITTEN[table]
    given = {name: type for each in columns for name, type in each.types.items()}
    assert given.keys() - NAMED_OTHERWISE | others == types.keys()
    written = {n: type for n, type in given.items() if n not in NAMED_OTHERWISE | MADE_OF_TEXT}
    assert written == {name: types[name] for name in written}


async def test_every_column_of_a_delivery_is_read_but_what_the_database_alone_looks_at(
    connection: asyncpg.Connection,
) -> None:
    read = rows_of_deliveries.DELIVERY_COLUMNS.split(", ")
    assert {*read, "watch_at", "erased_at"} == (await _types(connection, "deliveries")).keys()


async def test_a_claim_of_webhooks_gives_the_fields_of_what_is_claimed_in_their_order(
    connection: asyncpg.Connection,
) -> None:
    given = (await connection.prepare(outbox.CLAIM)).get_attributes()
    assert ["account_id", "mode", *outbox.ClaimedMessage._fields[1:]] == [
        each.name for each in given
    ]


async def _types(connection: asyncpg.Connection, table: str) -> dict[str, str]:
    """The types of a table's columns, by their names."""
    found = await connection.fetch(
        "select attname as name, format_type(atttypid, null) as type from pg_attribute"
        " where attrelid = $1::text::regclass and attnum > 0 and not attisdropped",
        table,
    )
    full = "timestamp with time zone"
    return {row["name"]: row["type"].replace(full, "timestamptz") for row in found}
