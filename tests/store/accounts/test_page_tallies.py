"""The tallies of what pages had delivered end."""

from datetime import UTC, datetime, timedelta

import asyncpg

from estafette.core.accounts.page_orders import SLICE, SLICES, OrderTally
from estafette.core.ids import new_id
from estafette.store.accounts import page_tallies
from estafette.store.accounts.page_tallies import Counted


async def test_what_is_over_is_forgotten_and_what_counts_is_kept(clean_database: str) -> None:
    connection = await asyncpg.connect(clean_database)
    try:
        now = datetime.now(UTC)
        of_now = OrderTally().at(now).plus_one()
        counting = OrderTally().at(now - timedelta(minutes=59)).plus_one()
        over = OrderTally().at(now - timedelta(minutes=71)).plus_one()
        kept = {Counted(new_id(), new_id(), b""): tally for tally in (of_now, counting)}
        await page_tallies.write(connection, {**kept, Counted(new_id(), new_id(), b"x"): over})
        await page_tallies.forget(connection, SLICES * SLICE, 10)
        assert await connection.fetchval("select count(*) from page_tallies") == 2
        assert await page_tallies.read(connection, list(kept)) == kept
        assert all(len(tally.counts) == SLICES for tally in kept.values())
    finally:
        await connection.close()
