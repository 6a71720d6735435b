"""What follows from a transaction: it is signalled when the transaction has committed, and then."""

import asyncpg
import pytest

from estafette.store.work import UnitOfWork, unit_of_work


class _WrongError(Exception):
    """Something in a transaction goes wrong."""


@pytest.fixture
def signalled() -> list[str]:
    """The channels that were signalled, in their order."""
    return []


async def test_a_channel_is_signalled_once_and_after_the_commit(
    connection: asyncpg.Connection, signalled: list[str]
) -> None:
    async with unit_of_work(connection, signalled.append) as work:
        work.signal("messages")
        work.signal("messages")
        assert connection.is_in_transaction()
        assert signalled == []
    assert signalled == ["messages"]


async def test_what_is_rolled_back_signals_nobody(
    connection: asyncpg.Connection, signalled: list[str]
) -> None:
    async def work_in_vain() -> None:
        async with unit_of_work(connection, signalled.append) as work:
            work.signal("messages")
            raise _WrongError

    with pytest.raises(_WrongError):
        await work_in_vain()
    assert signalled == []


async def test_a_commit_that_fails_signals_nobody(
    connection: asyncpg.Connection, signalled: list[str]
) -> None:
    await connection.execute(
        "create temporary table once (id integer unique deferrable initially deferred)"
    )

    async def work_in_vain() -> None:
        async with unit_of_work(connection, signalled.append) as work:
            await connection.execute("insert into once values (1), (1)")
            work.signal("messages")

    with pytest.raises(asyncpg.UniqueViolationError):
        await work_in_vain()
    assert signalled == []


async def test_a_part_that_is_undone_signals_nobody_and_the_others_go_on(
    connection: asyncpg.Connection, signalled: list[str]
) -> None:
    async def part(work: UnitOfWork, channel: str, error: Exception | None = None) -> None:
        async with work.apart():
            work.signal(channel)
            if error:
                raise error

    async with unit_of_work(connection, signalled.append) as work:
        await part(work, "messages")
        with pytest.raises(_WrongError):
            await part(work, "dispatches", _WrongError())
        with pytest.raises(_WrongError):
            await part(work, "messages", _WrongError())
    assert signalled == ["messages"]
