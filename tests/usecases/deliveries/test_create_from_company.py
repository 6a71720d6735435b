"""Creating deliveries from the quotes of courier companies."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
import pytest

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import Capabilities, Connector
from estafette.core.deliveries.delivery import Delivery, Parcel, Status
from estafette.core.deliveries.schedule import Schedule
from estafette.core.errors import (
    IdempotencyMismatch,
    PaymentMethodNotSupported,
    QuoteCompanyMismatch,
    QuoteExpired,
    QuoteMismatch,
    QuoteNotFound,
    Refusal,
    ScheduleInvalid,
)
from estafette.core.ids import new_id
from estafette.core.money.payment import Payment, PaymentMethod
from estafette.core.quotes.quote import Quote
from estafette.usecases.couriers.companies import change_company, set_company_tariffs
from estafette.usecases.deliveries.create import Creator
from estafette.usecases.deliveries.idempotency import Reply
from estafette.usecases.deliveries.orders import Order
from estafette.usecases.deliveries.pins import open_pin
from tests.rows import tables
from tests.usecases.angola import (
    BANK,
    BY_TRANSFER,
    OFFER,
    PAYLOAD,
    WITH_BANK,
    FakeCourier,
    Shop,
    fees,
    new_shop,
)
from tests.usecases.stage import refused_in


async def expire(shop: Shop, quote: Quote) -> None:
    where, lately = {"id": quote.id}, timedelta(seconds=-1)
    await tables.change(shop.platform.pool, "quotes", where, expires_at=lately)


async def refusal_of(shop: Shop, order: Order) -> type[Refusal]:
    try:
        answer = await shop.creator.create(order)
    except Refusal as refusal:
        return type(refusal)
    raise AssertionError(answer)


async def test_a_delivery_is_what_its_quote_promised(shop: Shop) -> None:
    company = await shop.company("fast", fees((10_000, 1_000), minutes=40))
    quote = await shop.quote()
    metadata = {"z": [1, 2.5, None], "a": {"ordem": "é"}}
    delivery = await shop.create(quote, metadata=metadata, company_id=company.id)
    assert (delivery.company_id, delivery.company_name) == (company.id, "Fast")
    assert (delivery.fee, delivery.company_fee) == (1_000, 1_000)
    assert delivery.eta_minutes == quote.eta_minutes == 40
    assert delivery.quote_id == quote.id
    assert orjson.dumps(delivery.metadata) == orjson.dumps(metadata)  # to the letter
    assert delivery.status is Status.PENDING
    assert (delivery.require_pin, delivery.pin) == (False, None)


async def test_a_fee_that_changes_after_the_quote_changes_nothing(shop: Shop) -> None:
    company = await shop.company("fast", fees((10_000, 1_000)))
    quote = await shop.quote()
    await set_company_tariffs(shop.platform, company, fees((10_000, 9_000), minutes=999))
    await change_company(shop.platform, "AO", "fast", shop.account.id, active=False, name="Renamed")
    shop.platform.catalog.forget()
    delivery = await shop.create(quote)
    assert (delivery.fee, delivery.eta_minutes, delivery.company_name) == (1_000, 60, "Fast")


async def test_a_quote_binds_one_delivery_under_two_hundred_parallel_attempts(shop: Shop) -> None:
    await shop.company("fast")
    quote = await shop.quote()
    creators = [shop.creator, Creator(shop.platform)]
    answers = await asyncio.gather(
        *(
            creator.create(shop.order(quote, idempotency=shop.key(f"{number}-{index}")))
            for number in range(100)
            for index, creator in enumerate(creators)
        )
    )
    assert sorted(answer.reply.status for answer in answers) == [201] + [409] * 199
    assert await shop.count("deliveries") == await shop.count("events") == 1


async def test_a_replay_comes_before_every_refusal(shop: Shop) -> None:
    await shop.company("fast")
    quote = await shop.quote()
    now = datetime.now(UTC)
    soon, past = Schedule(now + timedelta(hours=1)), Schedule(now - timedelta(hours=1))
    order = shop.order(quote, idempotency=shop.key("k"), schedule=soon)
    first = await shop.creator.create(order)
    await expire(shop, quote)
    late = replace(order, quoted_payload={}, company_id=new_id(), schedule=past)
    again = await shop.creator.create(late)
    assert (again.replayed, again.reply) == (True, first.reply)
    with pytest.raises(IdempotencyMismatch):
        await shop.creator.create(replace(order, idempotency=shop.key("k", "another payload")))


async def test_faults_are_refused_in_a_fixed_order(shop: Shop) -> None:
    await shop.company("fast")
    quote, past = await shop.quote(), datetime.now(UTC) - timedelta(minutes=1)
    await shop.create(quote)
    await expire(shop, quote)
    order = shop.order(
        quote,
        quote_id=new_id(),
        company_id=new_id(),
        quoted_payload={},
        payment=BY_TRANSFER,
        schedule=Schedule(pickup_at=past),
    )
    assert await refusal_of(shop, order) is QuoteNotFound
    order = replace(order, quote_id=quote.id)
    assert await refusal_of(shop, order) is QuoteCompanyMismatch
    order = replace(order, company_id=None)
    assert refused_in(await shop.creator.create(order)) == "QuoteUsed"
    late = await shop.quote()
    await expire(shop, late)
    order = replace(order, quote_id=late.id)
    assert await refusal_of(shop, order) is QuoteExpired
    order = replace(order, quote_id=(await shop.quote()).id)
    assert await refusal_of(shop, order) is QuoteMismatch
    order = replace(order, quoted_payload=PAYLOAD)
    assert await refusal_of(shop, order) is PaymentMethodNotSupported
    order = replace(order, payment=Payment())
    assert await refusal_of(shop, order) is ScheduleInvalid
    assert await shop.count("deliveries") == 1


async def test_a_quote_of_another_account_or_mode_is_not_found(shop: Shop) -> None:
    await shop.company("fast")
    quote = await shop.quote()
    rehearsal = replace(shop, mode=Mode.SANDBOX)
    for stranger in (rehearsal, await new_shop(shop.platform)):
        assert await refusal_of(stranger, stranger.order(quote)) is QuoteNotFound


async def test_a_refused_order_uses_neither_quote_nor_number(shop: Shop) -> None:
    await shop.company("fast")
    quote = await shop.quote()
    order = shop.order(quote, payment=BY_TRANSFER)
    assert await refusal_of(shop, order) is PaymentMethodNotSupported
    delivery = await shop.create(quote)
    assert delivery.reference == f"DLV-{delivery.created_at.year}-00001"


async def test_references_have_neither_gaps_nor_duplicates_under_parallel_creates(
    shop: Shop,
) -> None:
    await shop.company("fast")
    rendered: list[str] = []

    def naming(outcome: Delivery | Refusal) -> Reply:
        rendered.append(outcome.reference or "" if isinstance(outcome, Delivery) else "")
        return Reply(201, b"{}")

    quotes = await asyncio.gather(*(shop.quote() for _ in range(120)))
    creators = [shop.creator, Creator(shop.platform), Creator(shop.platform)]
    orders = [shop.order(quote, render=naming) for quote in quotes]
    # every third quote is tried twice, so that numbers are wanted that nobody gets
    await asyncio.gather(
        *(creators[n % 3].create(order) for n, order in enumerate(orders + orders[::3]))
    )
    mine = {"account_id": shop.account.id}
    stored = await tables.values(shop.platform.pool, "deliveries", "reference", mine)
    year = datetime.now(UTC).year
    assert sorted(stored) == [f"DLV-{year}-{number:05d}" for number in range(1, 121)]
    assert sorted(name for name in rendered if name) == sorted(stored)


async def test_accounts_and_modes_number_their_deliveries_apart(shop: Shop) -> None:
    other = await new_shop(shop.platform)
    rehearsal = replace(shop, mode=Mode.SANDBOX)
    for one in (shop, other):
        await one.company("fast")
    for one in (shop, other, rehearsal):
        assert (await one.create()).reference == f"DLV-{datetime.now(UTC).year}-00001"
    assert (await shop.create(numbered=False)).reference is None


async def test_a_bank_transfer_is_awaited_with_the_banks_details(shop: Shop) -> None:
    await shop.company("bank", capabilities=WITH_BANK)
    delivery = await shop.create(payment=BY_TRANSFER)
    assert delivery.status is delivery.milestone is Status.AWAITING_PAYMENT
    due_at = delivery.created_at + shop.platform.watch_limits.payment
    assert delivery.payment == Payment(PaymentMethod.BANK_TRANSFER, bank=BANK, due_at=due_at)


async def test_cash_to_collect_travels_with_the_delivery(shop: Shop) -> None:
    await shop.company("fast")
    payment = Payment(PaymentMethod.COD, cash_collect=25_000)
    delivery = await shop.create(payment=payment)
    assert (delivery.status, delivery.payment) == (Status.PENDING, payment)


async def test_scheduled_times_move_the_promise(shop: Shop) -> None:
    await shop.company("fast", fees((10_000, 1_000), minutes=60))
    now = datetime.now(UTC)
    pickup, hand_over = now + timedelta(hours=5), now + timedelta(hours=9)
    both = await shop.create(schedule=Schedule(pickup, hand_over))
    assert (both.pickup_by, both.deliver_by) == (pickup, hand_over)
    assert (both.scheduled_pickup_at, both.scheduled_delivery_at) == (pickup, hand_over)
    only_pickup = await shop.create(schedule=Schedule(pickup))
    assert only_pickup.deliver_by == pickup + timedelta(minutes=30)
    only_end = await shop.create(schedule=Schedule(delivery_at=hand_over))
    assert (only_end.pickup_by, only_end.deliver_by) == (
        hand_over - timedelta(minutes=30),
        hand_over,
    )


async def test_a_company_that_requires_it_gets_a_fresh_pin_for_each_delivery(shop: Shop) -> None:
    await shop.company("careful", capabilities=Capabilities(require_delivery_pin=True))
    cipher = shop.platform.cipher
    pins = {open_pin(cipher, await shop.create()) or "" for _ in range(20)}
    assert len(pins) > 15
    assert all(len(pin) == 6 and pin.isdecimal() for pin in pins)


async def test_a_remote_platform_keeps_its_own_pin_and_is_not_simulated(shop: Shop) -> None:
    offer = replace(OFFER, require_pin=True)
    shop.change(couriers={Connector.REMOTE: FakeCourier({"far": offer})})
    rehearsal = replace(shop, mode=Mode.SANDBOX)
    await shop.company("far", connector=Connector.REMOTE)
    delivery = await rehearsal.create()
    assert (delivery.require_pin, delivery.pin) == (True, None)
    assert await shop.count("sandbox_runs") == 0


async def test_a_rehearsal_with_a_company_is_simulated(shop: Shop) -> None:
    rehearsal = replace(shop, mode=Mode.SANDBOX)
    await shop.company("here")
    await rehearsal.create()
    assert await shop.count("sandbox_runs") == 1


async def test_deliveries_are_stored_apart_from_plain_ones_of_the_same_batch(shop: Shop) -> None:
    await shop.company("fast")
    quote = await shop.quote()
    plain = shop.order(None, quote_id=None, numbered=False)
    answers = await asyncio.gather(
        *(shop.creator.create(order) for order in (plain, shop.order(quote), plain))
    )
    found = [await shop.delivery(UUID(orjson.loads(one.reply.body)["id"])) for one in answers]
    assert [one.company_name for one in found] == [None, "Fast", None]
    assert [one.parcel for one in found] == [Parcel(1_200, "Livros")] * 3
