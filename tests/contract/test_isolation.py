"""Nobody reaches what belongs to another tenant or another mode, on any path of any dialect."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from estafette.core.accounts.account import MARKETS, Mode
from estafette.usecases.accounts.administration import create_account
from estafette.usecases.webhooks.endpoints import set_endpoint
from tests.contracts import operations
from tests.edges import Belongings, Call, Edge, Reach
from tests.rows import tables
from tests.serving import Answer, Server, Tenant, delivery_id

MODES = pytest.mark.parametrize("mode", Mode, ids=str)


async def _settle(owner: Tenant) -> Belongings:
    """Gives a tenant something that others may reach for."""
    order = "their-order"
    await set_endpoint(owner.server.platform, owner.scope, "https://hooks.example/x")
    await owner.create(f"{order}-2")
    delivery = await owner.create(order, key="their-key")
    return Belongings(
        order=order,
        delivery=delivery,
        quote=None if owner.edge.quote is None else await owner.ask(owner.edge.quote),
        page=await owner.ask(owner.edge.first_page),
    )


async def _intruders(owner: Tenant) -> list[Tenant]:
    """Another tenant in each mode, and the same account in the other mode."""
    other_mode = next(mode for mode in Mode if mode is not owner.mode)
    stranger = await owner.server.tenant(owner.edge, owner.mode)
    return [stranger, stranger.in_mode(other_mode), owner.in_mode(other_mode)]


async def _rows(owner: Tenant) -> set[tuple[str, str]]:
    """Everything that is stored of an account: table and row, as text.

    But for when its keys were used, and the log of its requests, which are written later.
    """
    pool = owner.server.platform.pool
    return await tables.stored_of(pool, owner.account.id, but=tables.WRITTEN_LATER)


async def _names(owner: Tenant, theirs: Belongings) -> list[str]:
    """The ids of all that the owner has, as the database writes them."""
    pool = owner.server.platform.pool
    ids: list[UUID] = []
    for table in ("endpoints", "deliveries", "quotes"):
        ids += await tables.values(pool, table, "id", owner.scope._asdict())
    assert delivery_id(theirs.delivery) in ids
    return [str(id) for id in ids]


def _as_expected(edge: Edge, reach: Reach, answer: Answer) -> None:
    assert answer.status == reach.status, (reach.call, answer.body)
    if reach.code is not None:
        assert edge.check_error(answer.status, answer.headers, answer.body) == reach.code
    if reach.told is not None:
        assert answer.told == reach.told


async def test_every_operation_of_the_contract_is_tried(server: Server, edge: Edge) -> None:
    theirs = await _settle(await server.tenant(edge))
    with_key = {each.name for each in await operations(server, edge) if not each.is_public}
    assert set(edge.reaches(theirs)) == with_key
    assert all(edge.reaches(theirs).values())


@MODES
async def test_what_is_anothers_cannot_be_seen_or_changed(
    server: Server, edge: Edge, mode: Mode
) -> None:
    owner = await server.tenant(edge, mode)
    theirs = await _settle(owner)
    names = await _names(owner, theirs)
    for intruder in await _intruders(owner):
        before = await _rows(owner)
        for reaches in edge.reaches(theirs).values():
            for reach in reaches:
                answer = await intruder.call(reach.call)
                _as_expected(edge, reach, answer)
                assert theirs.delivery.encode() not in answer.body
        after = await _rows(owner)
        assert before <= after
        if intruder.account.id == owner.account.id:  # it has a life of its own in the other mode
            assert not [row for row in after - before if any(name in row[1] for name in names)]
        else:
            assert after == before
    assert (await owner.call(edge.get(theirs.delivery))).status == 200
    assert (await owner.call(edge.cancel(theirs.delivery))).status == 200


@MODES
async def test_anothers_idempotency_key_repeats_nothing(
    server: Server, edge: Edge, mode: Mode
) -> None:
    owner = await server.tenant(edge, mode)
    theirs = await _settle(owner)
    for intruder in await _intruders(owner):
        own = await intruder.create(theirs.order, key="their-key")
        assert own != theirs.delivery


@MODES
async def test_lists_show_only_what_is_ones_own(server: Server, edge: Edge, mode: Mode) -> None:
    owner = await server.tenant(edge, mode)
    theirs = await _settle(owner)
    for intruder in await _intruders(owner):
        own = await intruder.create()
        shown = (await intruder.call(edge.list)).body
        assert own.encode() in shown
        assert theirs.delivery.encode() not in shown
    assert theirs.delivery.encode() in (await owner.call(edge.list)).body


@MODES
async def test_sandbox_moves_only_ones_own_sandbox(server: Server, edge: Edge, mode: Mode) -> None:
    owner = await server.tenant(edge, mode)
    theirs = await _settle(owner)
    before = await _rows(owner)
    for intruder in await _intruders(owner):
        for body in ({}, {"status": "assigned"}, None):
            answer = await intruder.advance(theirs.delivery, body)
            assert answer.status == (404 if intruder.mode is Mode.SANDBOX else 403)
            assert answer.told["code"] in ("not_found", "forbidden")
            assert theirs.delivery.encode() not in answer.body
    assert await _rows(owner) == before


async def _calls(server: Server, edge: Edge, tenant: Tenant) -> list[tuple[str, Call]]:
    """A request for each operation that needs a key, good but for the key, by its name."""
    theirs = await _settle(tenant)
    reaches = edge.reaches(theirs)
    return [(name, reach.call) for name, tries in reaches.items() for reach in tries]


async def _unauthorized(tenant: Tenant, keys: Sequence[str], calls: Sequence[Call]) -> None:
    before = await _rows(tenant)
    for key in keys:
        stranger = tenant.with_key(key)
        tries = [stranger.call(call, {"Idempotency-Key": "their-key"}) for call in calls]
        for answer in await asyncio.gather(*tries):
            assert answer.status in (401, 403), (key, answer.body)
            tenant.edge.check_error(answer.status, answer.headers, answer.body)
    assert await _rows(tenant) == before


async def test_nothing_but_a_whole_key_opens_anything(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    calls = [call for _, call in await _calls(server, edge, tenant)]
    key = tenant.key
    near = [
        "",
        key[:-1],
        f"{key}x",
        key.upper(),
        key[::-1],
        f"{key}, {key}",
        str(tenant.account.id),
    ]
    await _unauthorized(tenant, near, calls)
    for call in calls:
        answer = await server.request(call.method, call.path, call.body)
        assert answer.status == 401
        edge.check_error(answer.status, answer.headers, answer.body)


async def test_keys_of_other_dialects_open_nothing(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    calls = [call for _, call in await _calls(server, edge, tenant)]
    others = [market for market in MARKETS.values() if market.dialect != edge.name]
    assert others
    for market in others:
        name = f"other-{market.code.lower()}-{tenant.account.id.hex}"
        _, issued = await create_account(server.platform, name, market.code)
        await _unauthorized(tenant, [each.key for each in issued], calls)


async def test_publishable_keys_open_only_what_is_meant_for_them(
    server: Server, edge: Edge
) -> None:
    tenant = await server.tenant(edge)
    calls = await _calls(server, edge, tenant)
    where = {"account_id": tenant.account.id}
    await tables.change(server.platform.pool, "api_keys", where, kind="publishable")
    closed = [call for name, call in calls if name not in edge.publishable]
    await _unauthorized(tenant, [tenant.key], closed)
    answer = await tenant.advance(edge.unknown_id, {})
    assert answer.status == 401
