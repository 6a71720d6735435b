"""The key of stored secrets is changed while everything goes on; PINs are stored under it too."""

import asyncio
import base64
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import orjson
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from estafette.core.accounts.account import Mode
from estafette.core.audit import AuditedAct
from estafette.core.couriers.company import Capabilities, Connector
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.event import Actor
from estafette.core.errors import PinWrong
from estafette.core.ids import new_id
from estafette.store.couriers.links import SEALED
from estafette.usecases import audit
from estafette.usecases.accounts import secret_key
from estafette.usecases.accounts.secret_key import START, Rotation, rotate, seal_some
from estafette.usecases.accounts.secrets import (
    Cipher,
    WrongSecretKeyError,
    new_cipher_key,
    new_token,
)
from estafette.usecases.couriers.links import Link, connect, link_of
from estafette.usecases.deliveries import pins
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.deliveries.personal_data import PhoneHash
from estafette.usecases.ready import accept_secret_key, check_secret_key
from estafette.usecases.webhooks.endpoints import list_endpoints, set_endpoint
from estafette.usecases.webhooks.endpoints import rotate as rotate_endpoint
from tests.moving import advance
from tests.patience import until
from tests.rows import tables
from tests.usecases.angola import ENTREGA, Shop, angola_over, new_shop

OLD, NEW = new_cipher_key(), new_cipher_key()
OWNER = b"owner"
COURSE = (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY)


def test_a_secret_has_192_bits_or_more_and_is_found_by_scanners() -> None:
    secret = new_token("whsec_")
    assert len(secret.removeprefix("whsec_")) * 5 >= 192
    assert secret.removeprefix("whsec_").isalnum()
    assert new_token("") != new_token("")


def test_what_either_key_wrote_is_read_and_the_present_one_writes() -> None:
    before, both, after = Cipher(OLD), Cipher(NEW, OLD), Cipher(NEW)
    data = before.encrypt("text", OWNER)
    assert both.decrypt(data, OWNER) == "text"
    with pytest.raises(WrongSecretKeyError):
        after.decrypt(data, OWNER)
    new = both.renewed(data, OWNER)
    assert new is not None
    assert after.decrypt(new, OWNER) == "text"
    assert both.renewed(new, OWNER) is None
    with pytest.raises(WrongSecretKeyError):
        both.renewed(data, b"another")


def test_what_versions_before_wrote_is_read_whatever_its_nonce_begins_with() -> None:
    cipher = Cipher(NEW, OLD)
    mine, theirs = bytes.fromhex(Cipher(OLD).key_id), bytes.fromhex(Cipher(NEW).key_id)
    for begin in (mine, theirs, b"\0\0"):
        nonce = begin + bytes(10)
        box = AESGCM(base64.urlsafe_b64decode(OLD)).encrypt(nonce, b"text", OWNER)
        assert cipher.decrypt(nonce + box, OWNER) == "text"
        assert cipher.renewed(nonce + box, OWNER) is not None


@pytest.mark.parametrize("data", [b"", b"x", b"x" * 12, b"x" * 28, b"x" * 1000])
def test_what_is_no_stored_secret_is_refused(data: bytes) -> None:
    with pytest.raises(WrongSecretKeyError):
        Cipher(NEW, OLD).decrypt(data, OWNER)


async def _careful(shop: Shop) -> Delivery:
    """A delivery with a PIN, at the door."""
    if not await shop.count("companies"):
        await shop.company("careful", capabilities=Capabilities(require_delivery_pin=True))
    delivery = await shop.create()
    moves = [Move(status, Actor.DRIVER) for status in COURSE]
    return await advance(shop.platform, shop.scope, ENTREGA, delivery.id, moves)


async def _hand_over(shop: Shop, delivery: Delivery, pin: str | None) -> Delivery:
    move = Move(Status.DELIVERED, Actor.DRIVER, pin=pin)
    return await advance(shop.platform, shop.scope, ENTREGA, delivery.id, [move])


async def _terms(shop: Shop, delivery: Delivery) -> dict[str, Any]:
    pool, where = shop.platform.pool, {"id": delivery.id}
    return orjson.loads(await tables.value(pool, "deliveries", "terms", where))


async def _set_terms(shop: Shop, delivery: Delivery, terms: dict[str, Any]) -> None:
    await tables.change(shop.platform.pool, "deliveries", {"id": delivery.id}, terms=terms)


def _clear(shop: Shop, delivery: Delivery) -> str:
    pin = pins.open_pin(shop.platform.cipher, delivery)
    assert pin is not None
    return pin


async def test_a_pin_stands_nowhere_in_the_database(fresh_database: str) -> None:
    async with angola_over(fresh_database) as platform:
        shop = await new_shop(platform)
        delivery = await _careful(shop)
        pin = _clear(shop, delivery)
        for table in await tables.names(platform.pool):
            rows = await tables.texts(platform.pool, table, most=1000)
            assert not any(f'"{pin}"' in row or f" {pin} " in row for row in rows), table
        assert "pin" not in await _terms(shop, delivery)


async def test_a_pin_is_bound_to_its_delivery(shop: Shop) -> None:
    one, other = await _careful(shop), await _careful(shop)
    theirs = await _terms(shop, other)
    await _set_terms(shop, one, {**await _terms(shop, one), "sealed_pin": theirs["sealed_pin"]})
    with pytest.raises(WrongSecretKeyError):
        await _hand_over(shop, one, _clear(shop, other))


async def test_a_pin_that_a_version_before_stored_works_and_is_sealed(shop: Shop) -> None:
    delivery = await _careful(shop)
    terms = await _terms(shop, delivery)
    del terms["sealed_pin"]
    await _set_terms(shop, delivery, {**terms, "pin": "123456", "metadata": {"a": [1, 2.5, "é"]}})
    with pytest.raises(PinWrong):
        await _hand_over(shop, delivery, "123457")
    await _seal_all(shop)
    sealed = await _terms(shop, delivery)
    assert "pin" not in sealed
    assert "123456" not in str(sealed)
    assert sealed["metadata"] == {"a": [1, 2.5, "é"]}
    assert {**sealed, "sealed_pin": None} == {
        **terms,
        "metadata": sealed["metadata"],
        "sealed_pin": None,
    }
    assert _clear(shop, await shop.delivery(delivery.id)) == "123456"
    assert (await _hand_over(shop, delivery, "123456")).status is Status.DELIVERED


async def _seal_all(shop: Shop) -> None:
    place = START
    while (end := await seal_some(shop.platform, place)) is not None:
        place = end


async def test_workers_seal_pins_in_the_background_and_end_with_it_a_day_later(
    fresh_database: str,
) -> None:
    async with angola_over(fresh_database) as platform:
        shop = await new_shop(platform)
        delivery = await _careful(shop)
        terms = await _terms(shop, delivery)
        del terms["sealed_pin"]
        old = {**terms, "pin": "123456"}

        async def is_sealed() -> bool:
            return "pin" not in await _terms(shop, delivery)

        async def is_done() -> bool:
            return bool(await tables.count(platform.pool, "chores", {"done_at": tables.PRESENT}))

        for days in (0, 2):
            await _set_terms(shop, delivery, old)
            await tables.shift(platform.pool, "chores", begun_at=timedelta(days=-days))
            stop = asyncio.Event()
            running = asyncio.create_task(secret_key.loop(platform).run(stop))
            await until(is_done if days else is_sealed)
            stop.set()
            await running
            assert await is_sealed()
            assert await is_done() is (days > 0)


async def _stock(shop: Shop) -> tuple[Link, Delivery]:
    """Something of every kind that is encrypted."""
    await set_endpoint(shop.platform, shop.scope, "https://a.example/x", "first")
    await set_endpoint(shop.platform, shop.scope, None, "second")
    await rotate_endpoint(shop.platform, shop.scope, timedelta(days=1), "second")
    company = await shop.company("far", [], connector=Connector.REMOTE)
    keys = {Mode.LIVE: "sk_live_far", Mode.SANDBOX: "sk_test_far"}
    link = Link(company.id, "https://far.example", keys, {Mode.LIVE: "whsec_live"})
    await connect(shop.platform, company, link)
    await tables.change(shop.platform.pool, "companies", {"id": company.id}, active=False)
    await shop.company("careful", capabilities=Capabilities(require_delivery_pin=True))
    shop.platform.catalog.forget()
    return link, await _careful(shop)


async def test_all_that_is_stored_is_written_anew_and_the_old_key_can_go(
    fresh_database: str,
) -> None:
    async with angola_over(fresh_database) as platform:
        platform = replace(platform, cipher=Cipher(OLD))
        shop = await new_shop(platform)
        link, delivery = await _stock(shop)
        pin, secrets = _clear(shop, delivery), await list_endpoints(platform, shop.account.id)

        shop.change(cipher=Cipher(NEW, OLD))
        platform = shop.platform
        heard: list[int] = []
        done = await rotate(platform, lambda rotation: heard.append(rotation.written))
        assert (done.endpoints, done.links, done.pins, done.unreadable) == (2, 1, 1, 0)
        assert heard == sorted(heard)
        assert (await rotate(platform)).written == 0

        shop.change(cipher=Cipher(NEW))
        platform = shop.platform
        platform.catalog.forget()
        assert await list_endpoints(platform, shop.account.id) == secrets
        assert await link_of(platform, link.company_id) == link
        assert (await _hand_over(shop, delivery, pin)).status is Status.DELIVERED
        entries = (await audit.list_entries(platform, audit.AuditFilter(act="secret_key"))).entries
        told = [
            entry.changes["state"]
            for entry in entries
            if entry.act == AuditedAct.SECRET_KEY_ROTATED
        ]
        assert told == ["done", "begun"] * 2
        assert entries[0].changes["key"] == Cipher(NEW).key_id
        assert not any(key in repr(entries) for key in (OLD, NEW))


ROTATED = {
    *(("endpoints", name) for name in ("secret", "next_secret", "headers")),
    *(("company_links", name) for name in SEALED),
    ("data_keys", "key"),
    ("totp_secrets", "secret"),
    ("letters", "content"),
}
NOT_ENCRYPTED = {
    ("api_keys", "hash"),
    ("attempts", "request"),
    ("attempts", "answer"),
    ("logos", "body"),
    ("imports", "file"),
    ("import_rows", "key"),
    ("idempotency", "fingerprint"),
    ("idempotency", "body"),
    ("page_tallies", "source"),
    ("invitations", "token_hash"),
    ("sessions", "token_hash"),
    ("recovery_codes", "hash"),
    ("passkeys", "credential_id"),
    ("passkeys", "public_key"),
    ("passkey_challenges", "challenge"),
    ("sign_in_tallies", "subject"),
    ("form_drafts", "token_hash"),
    ("form_drafts", "fields"),  # encrypted, and kept for minutes
    ("sent_forms", "digest"),
    ("sent_forms", "answer"),  # encrypted, and kept for a minute
    ("driver_sessions", "token_hash"),
    ("position_tokens", "hash"),
    ("address_corrections", "address_key"),
    ("import_rows", "key"),
    ("imports", "file"),
    ("operator_keys", "hash"),
    ("proofs", "sha256"),
    ("proofs", "sent_digest"),
    ("operator_answers", "request"),
    ("operator_answers", "headers"),
    ("operator_answers", "body"),  # encrypted, and kept for a day: shorter than two keys are
}


async def test_a_column_that_is_new_is_known_to_be_encrypted_or_not(
    connection: asyncpg.Connection,
) -> None:
    assert set(await tables.columns(connection, "bytea")) == ROTATED | NOT_ENCRYPTED


async def test_the_index_of_phones_goes_on_under_the_new_key(fresh_database: str) -> None:
    async with angola_over(fresh_database) as platform:
        platform = replace(platform, cipher=Cipher(OLD))
        async with platform.pool.acquire() as connection:
            before = await PhoneHash.of(platform, connection)
        platform = replace(platform, cipher=Cipher(NEW, OLD))
        assert (await rotate(platform)).written == 1
        platform = replace(platform, cipher=Cipher(NEW))
        async with platform.pool.acquire() as connection:
            after = await PhoneHash.of(platform, connection)
        assert after("+244923456789") == before("+244923456789")


async def test_another_key_leaves_the_index_of_phones_alone_until_it_is_accepted(
    fresh_database: str,
) -> None:
    async with angola_over(fresh_database) as platform:
        platform = replace(platform, cipher=Cipher(OLD))
        async with platform.pool.acquire() as connection:
            await check_secret_key(connection, platform.cipher)
            before = await PhoneHash.of(platform, connection)
            known = {"hash": 1, "account_id": new_id(), "delivery_id": new_id()}
            await tables.add(connection, "phone_index", **known)
            platform = replace(platform, cipher=Cipher(NEW))
            with pytest.raises(WrongSecretKeyError):
                await PhoneHash.of(platform, connection)
            assert await tables.count(connection, "phone_index") == 1
            assert await accept_secret_key(platform)
            assert (await PhoneHash.of(platform, connection)).stored != before.stored
            assert await tables.count(connection, "phone_index") == 0


class _EndedError(Exception):
    """Somebody pressed Ctrl-C."""


async def test_a_rotation_that_was_ended_goes_on_when_it_is_begun_again(
    fresh_database: str,
) -> None:
    async with angola_over(fresh_database) as platform:
        platform = replace(platform, cipher=Cipher(OLD))
        shop = await new_shop(platform)
        await _stock(shop)
        platform = replace(platform, cipher=Cipher(NEW, OLD))

        def ended(rotation: Rotation) -> None:
            if rotation.endpoints:
                raise _EndedError

        with pytest.raises(_EndedError):
            await rotate(platform, ended)
        done = await rotate(platform)
        assert (done.endpoints, done.links, done.pins) == (0, 0, 1)


async def test_what_no_key_can_read_is_counted_and_left(fresh_database: str) -> None:
    async with angola_over(fresh_database) as platform:
        platform = replace(platform, cipher=Cipher(new_cipher_key()))
        shop = await new_shop(platform)
        await _stock(shop)
        lost, platform = platform, replace(platform, cipher=Cipher(NEW, OLD))
        done = await rotate(platform)
        assert (done.written, done.unreadable) == (0, 2 + 3 + 1)
        assert len(await list_endpoints(lost, shop.account.id)) == 2
