"""What keys may do: the rules that they are given, change and keep over a rotation."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from uuid import uuid4

import pytest

from estafette.core.accounts.account import Account, Credential, KeyKind, Mode
from estafette.core.accounts.acts import EVERY_ACT, PAGE_ACTS, Act, Operation
from estafette.core.accounts.key_rules import rules_of
from estafette.core.accounts.page_limits import NEW_LIMITS, OLDER_LIMITS, PageLimits, read_place
from estafette.core.errors import ActRefused, AddressRefused
from estafette.core.ids import new_id
from estafette.store.accounts import keys
from estafette.usecases.accounts.administration import create_account
from estafette.usecases.accounts.authenticate import authenticate, permit
from estafette.usecases.accounts.key_uses import KeyUses
from estafette.usecases.accounts.keys import (
    IssuedKey,
    KeyRefusedError,
    KeyRules,
    change_key,
    create_key,
    disable_key,
    enable_key,
    list_keys,
    revoke_key,
    rotate_key,
    set_limits,
)
from estafette.usecases.platform import Platform
from tests.rows import database, tables

_RULES = KeyRules(
    name="Warehouse",
    acts=frozenset({Act.READ, Act.QUOTE}),
    networks=(ip_network("203.0.113.0/24"), ip_network("2001:db8::/32")),
    expires_at=datetime.now(UTC).replace(microsecond=0) + timedelta(days=90),
)


async def _account(platform: Platform) -> Account:
    return (await create_account(platform, f"t-{uuid4().hex}", "AO"))[0]


async def _pages(platform: Platform) -> tuple[Account, IssuedKey]:
    account = await _account(platform)
    return account, await create_key(platform, account, Mode.LIVE, KeyKind.PUBLISHABLE)


async def _recognised(platform: Platform, key: IssuedKey) -> Credential | None:
    platform.catalog.forget()  # what the composition root does when the database tells of a change
    return await authenticate(platform, key.key, "entrega")


async def _used(platform: Platform, key: IssuedKey) -> tuple[datetime | None, str | None]:
    async with platform.pool.acquire() as connection:
        [found] = [
            each
            for each in await keys.of_account(connection, key.known.account_id)
            if each.id == key.known.id
        ]
    return found.used_at, found.used_from


async def test_a_key_has_the_rules_that_it_was_given(platform: Platform) -> None:
    account = await _account(platform)
    issued = await create_key(platform, account, Mode.LIVE, rules=_RULES)
    found = await _recognised(platform, issued)
    assert found is not None
    assert (found.acts, found.networks, found.expires_at) == (
        _RULES.acts,
        _RULES.networks,
        _RULES.expires_at,
    )
    permit(platform, found, Operation.SHOW, "203.0.113.9")
    with pytest.raises(ActRefused):
        permit(platform, found, Operation.CANCEL, "203.0.113.9")
    with pytest.raises(AddressRefused):
        permit(platform, found, Operation.SHOW, "198.51.100.1")
    listed = (await list_keys(platform, account))[-1]
    assert listed == issued.known
    assert (listed.name, listed.used_at) == ("Warehouse", None)


async def test_a_rotated_key_keeps_its_rules_and_its_end(platform: Platform) -> None:
    account = await _account(platform)
    old = await create_key(platform, account, Mode.LIVE, rules=_RULES)
    new = await rotate_key(platform, account, str(old.known.id), timedelta(hours=1))
    assert rules_of(new.known) == rules_of(old.known)
    assert (new.known.name, new.known.expires_at) == (_RULES.name, _RULES.expires_at)
    was = next(key for key in await list_keys(platform, account) if key.id == old.known.id)
    assert was.replaced_by == new.known.id
    assert was.expires_at is not None
    assert was.expires_at < datetime.now(UTC) + timedelta(hours=2)
    later = datetime(2099, 1, 1, tzinfo=UTC)
    newest = await rotate_key(platform, account, str(new.known.id), timedelta(0), later)
    assert newest.known.expires_at == later


async def test_an_overlap_outlasts_no_end_that_was_set(platform: Platform) -> None:
    account = await _account(platform)
    soon = datetime.now(UTC) + timedelta(minutes=5)
    old = await create_key(platform, account, Mode.LIVE, rules=KeyRules(expires_at=soon))
    await rotate_key(platform, account, str(old.known.id), timedelta(days=1))
    was = next(key for key in await list_keys(platform, account) if key.id == old.known.id)
    assert was.expires_at == soon


async def test_rules_are_changed_at_once(platform: Platform) -> None:
    account = await _account(platform)
    issued = await create_key(platform, account, Mode.LIVE, rules=_RULES)
    id = str(issued.known.id)
    await change_key(platform, account, id, lambda rules: replace(rules, networks=(), name="Shop"))
    found = await _recognised(platform, issued)
    assert found is not None
    assert (found.networks, found.acts) == ((), _RULES.acts)
    await change_key(platform, account, id, lambda rules: replace(rules, acts=EVERY_ACT))
    where = {"id": issued.known.id}
    stored = await tables.value(platform.pool, "api_keys", "scopes", where)
    assert stored is None  # acts to come too


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        (KeyRules(name="x" * 61), "60 characters"),
        (KeyRules(name="two\nlines"), "one line"),
        (KeyRules(name="\u202eevil"), "one line"),
        (KeyRules(acts=frozenset[Act]()), "can do nothing but"),
        (KeyRules(networks=tuple(ip_network(f"10.0.{n}.0/24") for n in range(51))), "50 networks"),
        (KeyRules(expires_at=datetime(2020, 1, 1, tzinfo=UTC)), "expired already"),
    ],
)
async def test_rules_that_cannot_be_are_refused(
    platform: Platform, rules: KeyRules, why: str
) -> None:
    account = await _account(platform)
    known = await list_keys(platform, account)
    with pytest.raises(KeyRefusedError, match=why):
        await create_key(platform, account, Mode.LIVE, rules=rules)
    assert await list_keys(platform, account) == known


async def test_a_publishable_key_can_do_no_more_than_pages_need(platform: Platform) -> None:
    account, issued = await _pages(platform)
    assert issued.known.acts == PAGE_ACTS
    only = KeyRules(acts=frozenset({Act.CANCEL}))
    with pytest.raises(KeyRefusedError, match="nothing but read, quote, create"):
        await create_key(platform, account, Mode.LIVE, KeyKind.PUBLISHABLE, only)


async def test_a_disabled_key_is_enabled_again_and_an_ended_one_is_not(platform: Platform) -> None:
    account = await _account(platform)
    issued = await create_key(platform, account, Mode.LIVE)
    id = str(issued.known.id)
    await disable_key(platform, account, id)
    assert (await enable_key(platform, account, id)).disabled_at is None
    found = await _recognised(platform, issued)
    assert found is not None
    assert not found.disabled
    await revoke_key(platform, account, id)
    with pytest.raises(KeyRefusedError, match="has ended"):
        await enable_key(platform, account, id)


async def _end(platform: Platform, key: IssuedKey) -> datetime:
    """Lets a key's time have been over for an hour."""
    pool, where, an_hour_ago = platform.pool, {"id": key.known.id}, timedelta(hours=-1)
    await tables.change(pool, "api_keys", where, expires_at=an_hour_ago)
    return await tables.value(pool, "api_keys", "expires_at", where)


async def test_nothing_gives_an_ended_key_new_life(platform: Platform) -> None:
    account = await _account(platform)
    issued = await create_key(platform, account, Mode.LIVE)
    id = str(issued.known.id)
    ended_at = await _end(platform, issued)
    known = len(await list_keys(platform, account))
    to_come = datetime(2099, 1, 1, tzinfo=UTC)
    for change in (
        lambda: enable_key(platform, account, id),
        lambda: rotate_key(platform, account, id),
        lambda: rotate_key(platform, account, id, timedelta(days=1), to_come),
        lambda: change_key(platform, account, id, lambda old: replace(old, expires_at=to_come)),
        lambda: change_key(platform, account, id, lambda old: replace(old, expires_at=None)),
    ):
        with pytest.raises(KeyRefusedError, match=r"ended|expired already"):
            await change()
    await revoke_key(platform, account, id)
    await disable_key(platform, account, id)
    await change_key(platform, account, id, lambda old: replace(old, name="Old"))
    every = await list_keys(platform, account)
    assert len(every) == known
    [key] = [each for each in every if each.id == issued.known.id]
    assert (key.expires_at, key.name) == (ended_at, "Old")
    assert await _recognised(platform, issued) is None


async def test_a_rotated_or_disabled_key_is_not_rotated_and_a_rotated_ones_end_stands(
    platform: Platform,
) -> None:
    account = await _account(platform)
    disabled, rotated = [await create_key(platform, account, Mode.LIVE) for _ in range(2)]
    await disable_key(platform, account, str(disabled.known.id))
    new = await rotate_key(platform, account, str(rotated.known.id), timedelta(hours=1))
    ends_at = {key.id: key.expires_at for key in await list_keys(platform, account)}
    for issued in (disabled, rotated):
        with pytest.raises(KeyRefusedError, match="disabled, rotated"):
            await rotate_key(platform, account, str(issued.known.id))
    for end in (None, datetime(2099, 1, 1, tzinfo=UTC)):
        with pytest.raises(KeyRefusedError, match="was rotated"):
            await change_key(
                platform,
                account,
                str(rotated.known.id),
                lambda old, end=end: replace(old, expires_at=end),
            )
    assert {key.id: key.expires_at for key in await list_keys(platform, account)} == ends_at
    soon = datetime(2098, 1, 1, tzinfo=UTC)
    await disable_key(platform, account, str(new.known.id))
    changed = await change_key(
        platform, account, str(new.known.id), lambda old: replace(old, expires_at=soon)
    )
    assert (changed.expires_at, changed.disabled_at is None) == (soon, False)


async def test_a_new_publishable_key_has_limits_that_are_changed_and_kept(
    platform: Platform,
) -> None:
    account, issued = await _pages(platform)
    assert issued.known.limits == NEW_LIMITS
    place = read_place("Rua Rainha Ginga 31; Luanda; Luanda; -8.8159, 13.2306; 200")
    wanted = PageLimits(pickups=(place,), highest_cash=50_000, per_hour=9, held=True)
    await set_limits(platform, account, str(issued.known.id), lambda _: wanted)
    found = await _recognised(platform, issued)
    assert found is not None
    assert found.page == wanted
    assert (await rotate_key(platform, account, str(issued.known.id))).known.limits == wanted


async def test_a_publishable_key_older_than_limits_has_generous_ones(platform: Platform) -> None:
    account, issued = await _pages(platform)
    await tables.change(platform.pool, "api_keys", {"id": issued.known.id}, limits=None)
    found = await _recognised(platform, issued)
    assert found is not None
    assert found.page == OLDER_LIMITS
    assert (await list_keys(platform, account))[-1].limits == OLDER_LIMITS


async def test_limits_are_for_publishable_keys_and_have_bounds(platform: Platform) -> None:
    account, pages = await _pages(platform)
    secret = await create_key(platform, account, Mode.LIVE)
    with pytest.raises(KeyRefusedError, match="publishable"):
        await set_limits(platform, account, str(secret.known.id), lambda limits: limits)
    with pytest.raises(KeyRefusedError, match="deliveries an hour"):
        await set_limits(
            platform, account, str(pages.known.id), lambda limits: replace(limits, per_hour=0)
        )


async def test_an_account_has_a_bounded_number_of_keys(platform: Platform) -> None:
    account = await _account(platform)
    mine = {"account_id": account.id}
    secret = {"mode": "live", "kind": "secret", "hint": "abcd"}
    keys = [
        {**mine, **secret, "id": id, "hash": id.bytes} for id in (new_id() for _ in range(1000))
    ]
    await tables.add_many(platform.pool, "api_keys", keys)
    with pytest.raises(KeyRefusedError, match="1000 keys"):
        await create_key(platform, account, Mode.LIVE)
    await tables.change(platform.pool, "api_keys", mine, expires_at=timedelta())
    await create_key(platform, account, Mode.LIVE)


async def test_a_use_is_written_later_and_rarely(platform: Platform) -> None:
    account = await _account(platform)
    issued = await create_key(platform, account, Mode.LIVE)
    found = await _recognised(platform, issued)
    assert found is not None
    uses = KeyUses(platform.pool, gather_seconds=3600)
    uses.note(found, "::ffff:203.0.113.9")
    assert await _used(platform, issued) == (None, None)
    await uses.write()
    at, address = await _used(platform, issued)
    assert at is not None
    assert address == "203.0.113.9"
    uses.note(found, "203.0.113.10")  # within minutes: not worth a write
    await uses.write()
    assert await _used(platform, issued) == (at, address)


async def test_what_another_process_wrote_later_stays(platform: Platform) -> None:
    account = await _account(platform)
    issued = await create_key(platform, account, Mode.LIVE)
    now = datetime.now(UTC)
    for age, address in ((0, "203.0.113.9"), (60, "203.0.113.10")):
        use = keys.Use(account.id, issued.known.id, now - timedelta(seconds=age), address)
        async with platform.pool.acquire() as connection:
            await keys.mark_used(connection, [use])
    assert await _used(platform, issued) == (now, "203.0.113.9")


async def test_a_use_makes_nobody_read_the_configuration_again(platform: Platform) -> None:
    account = await _account(platform)
    issued = await create_key(platform, account, Mode.LIVE)
    triggers = await database.count_triggers(platform.pool, "key_uses")
    assert (issued.known.used_at, triggers) == (None, 0)


async def test_the_address_of_a_pages_visitor_is_not_kept(platform: Platform) -> None:
    _, issued = await _pages(platform)
    found = await _recognised(platform, issued)
    assert found is not None
    uses = KeyUses(platform.pool, gather_seconds=3600)
    uses.note(found, "203.0.113.9")
    await uses.write()
    at, address = await _used(platform, issued)
    assert at is not None
    assert address is None
