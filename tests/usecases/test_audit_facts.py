"""What the audit tells of each act: what it was, to what it was done, and what changed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from estafette.core.accounts.account import Mode
from estafette.core.audit import AuditedAct
from estafette.core.couriers.company import Capabilities
from estafette.core.deliveries.delivery import Status
from estafette.core.money.books import Book, Cause
from estafette.core.money.payment import BankAccount, Payment, PaymentMethod
from estafette.store.audit import AuditFilter
from estafette.usecases.accounts.administration import disable_account, keep_personal_data
from estafette.usecases.audit import list_entries
from estafette.usecases.couriers.companies import change_company, set_company_tariffs
from estafette.usecases.deliveries.advance import reveal_pin, unlock_pin
from estafette.usecases.deliveries.move_by_hand import move_by_hand
from estafette.usecases.deliveries.pins import open_pin
from estafette.usecases.deliveries.privacy import as_json, erase_phone, export_phone
from estafette.usecases.money.settle import WantedTransfer as Paid
from estafette.usecases.money.settle import pay
from estafette.usecases.platform import Platform
from estafette.usecases.webhooks.endpoints import (
    finish_rotation,
    reveal_endpoints,
    rotate,
    send_test,
    set_enabled,
    set_endpoint,
)
from estafette.usecases.webhooks.options import choose, remove_header, set_header
from estafette.usecases.webhooks.remove import remove_endpoint
from estafette.usecases.webhooks.resend import resend_event, resend_message, resend_since
from tests.rows import tables
from tests.usecases.angola import ENTREGA, Shop, fees
from tests.usecases.deliveries.test_personal_data import DROPOFF, METADATA, PARCEL, PHONE, PICKUP
from tests.usecases.stage import DIALECT, Tenant

HOUR = timedelta(hours=1)
Told = tuple[str, Mode | None, str | None, dict[str, Any]]


async def told(platform: Platform, account_id: UUID) -> list[Told]:
    """The acts upon what is an account's, oldest first."""
    found = (await list_entries(platform, AuditFilter(account_id), limit=500)).entries[::-1]
    return [(each.act, each.mode, each.object, dict(each.changes)) for each in found]


async def test_what_is_done_to_an_endpoint(tenant: Tenant) -> None:
    platform, of = tenant.platform, (tenant.platform, tenant.scope)
    await set_endpoint(*of, "https://one.example/x", "e")
    await set_endpoint(*of, "https://two.example/x", "e")
    await set_endpoint(*of, "https://two.example/x", "e")  # changes nothing
    await choose(*of, "e", format="standard", order_seconds=30)
    await choose(*of, "e", format="standard", order_seconds=30)
    await set_header(*of, "e", "X-Tenant", "s3cret")
    await set_header(*of, "e", "X-Tenant", "s3cret")
    await remove_header(*of, "e", "X-Tenant")
    await rotate(*of, HOUR, "e")
    await finish_rotation(*of, "e")
    await set_enabled(*of, "e", enabled=False)
    await set_enabled(*of, "e", enabled=True)
    await reveal_endpoints(platform, tenant.account.id)
    await remove_endpoint(*of, "e")
    acts = await told(platform, tenant.account.id)
    where = {"account_id": tenant.account.id}
    id = str(await tables.value(platform.pool, "endpoints", "id", where))
    name = {"name": "e"}
    expected: list[tuple[AuditedAct, dict[str, Any]]] = [
        (AuditedAct.ENDPOINT_CREATED, {"url": "https://one.example"}),
        (AuditedAct.ENDPOINT_CHANGED, {"url": ["https://one.example", "https://two.example"]}),
        (
            AuditedAct.ENDPOINT_CHANGED,
            {"format": ["dialect", "standard"], "order_seconds": [None, 30]},
        ),
        (AuditedAct.ENDPOINT_CHANGED, {"headers": [[], ["X-Tenant"]], "header": "X-Tenant"}),
        (AuditedAct.ENDPOINT_CHANGED, {"headers": [["X-Tenant"], []], "header": "X-Tenant"}),
        (AuditedAct.ENDPOINT_ROTATED, {"overlap_seconds": 3600.0}),
        (AuditedAct.ENDPOINT_ROTATION_FINISHED, {}),
        (AuditedAct.ENDPOINT_DISABLED, {}),
        (AuditedAct.ENDPOINT_ENABLED, {}),
        (AuditedAct.ENDPOINT_REVEALED, {}),
        (AuditedAct.ENDPOINT_REMOVED, {"url": "https://two.example"}),
    ]
    assert acts == [(act, tenant.mode, id, name | facts) for act, facts in expected]


async def test_what_is_sent_again_or_tried(tenant: Tenant) -> None:
    platform, of = tenant.platform, (tenant.platform, tenant.scope)
    await tenant.set_endpoint()
    delivery = await tenant.create()
    [event] = await tenant.events(delivery)
    message = await tables.value(platform.pool, "messages", "id", {"delivery_id": delivery})
    since = datetime(2026, 1, 2, tzinfo=UTC)
    test = await send_test(*of, url="https://user:pass@hooks.example/x?sig=1")
    await resend_event(*of, delivery, event.id)
    await resend_event(*of, delivery, delivery)  # there is no such event
    await resend_message(*of, message)
    await resend_message(*of, delivery)
    await resend_since(*of, since, "default", dead_only=False)
    assert await told(platform, tenant.account.id) == [
        (act, tenant.mode, object, facts)
        for act, object, facts in (
            (
                AuditedAct.WEBHOOKS_TESTED,
                str(test),
                {"type": "created", "url": "https://hooks.example"},
            ),
            (AuditedAct.WEBHOOKS_RESENT, str(event.id), {"delivery": str(delivery), "messages": 1}),
            (AuditedAct.WEBHOOKS_RESENT, str(message), {}),
            (
                AuditedAct.WEBHOOKS_RESENT,
                None,
                {
                    "since": since.isoformat(),
                    "dead_only": False,
                    "endpoint": "default",
                    "messages": 1,
                    "missed": 0,
                },
            ),
        )
    ]


async def test_what_is_done_to_a_delivery_by_hand(tenant: Tenant, shop: Shop) -> None:
    platform = tenant.platform
    id = await tenant.create()
    await move_by_hand(platform, tenant.scope, DIALECT, id, Status.IN_TRANSIT, "by hand")
    facts = {"status": ["pending", "in_transit"]}
    expected = [(AuditedAct.DELIVERY_MOVED, tenant.mode, str(id), facts)]
    assert await told(platform, tenant.account.id) == expected
    await shop.company("careful", capabilities=Capabilities(require_delivery_pin=True))
    delivery = await shop.create()
    pool = shop.platform.pool
    await tables.change(pool, "deliveries", {"id": delivery.id}, pin_failures=3)
    unlocked = await unlock_pin(shop.platform, shop.scope, delivery.id)
    assert unlocked.pin_failures == 0
    pin = await reveal_pin(shop.platform, shop.scope, delivery.id)
    assert pin == open_pin(shop.platform.cipher, delivery)
    acts = await told(shop.platform, shop.account.id)
    assert acts[-2:] == [
        (AuditedAct.DELIVERY_PIN_UNLOCKED, shop.mode, str(delivery.id), {"failures": [3, 0]}),
        (AuditedAct.DELIVERY_PIN_REVEALED, shop.mode, str(delivery.id), {}),
    ]
    await shop.company("plain", fees((10_000, 1)))
    plain = await shop.create()
    assert await reveal_pin(shop.platform, shop.scope, plain.id) is None
    assert AuditedAct.DELIVERY_PIN_REVEALED not in [
        act for act, *_ in (await told(shop.platform, shop.account.id))[len(acts) :]
    ]


async def test_what_is_paid(shop: Shop) -> None:
    company = await shop.company("moto")
    delivery = await shop.create(payment=Payment(PaymentMethod.COD, cash_collect=25_000))
    await move_by_hand(
        shop.platform, shop.scope, ENTREGA, delivery.id, Status.DELIVERED, "handed over"
    )
    before = len(await told(shop.platform, shop.account.id))
    theirs = Paid(shop.account, shop.mode, Cause.SETTLED, Book.CASH, 900, "R-1", company)
    settled, _ = await pay(shop.platform, theirs)
    await pay(shop.platform, theirs)
    ours = replace(theirs, cause=Cause.PAID_OUT, book=Book.MERCHANT, amount=5, reference="R-2")
    paid, _ = await pay(shop.platform, replace(ours, company=None))
    assert (await told(shop.platform, shop.account.id))[before:] == [
        (
            AuditedAct.PAYMENT_SETTLED,
            shop.mode,
            str(settled.id),
            {"book": Book.CASH, "company": "moto", "amount": 900, "reference": "R-1"},
        ),
        (
            AuditedAct.PAYMENT_PAID_OUT,
            shop.mode,
            str(paid.id),
            {"book": Book.MERCHANT, "company": None, "amount": 5, "reference": "R-2"},
        ),
    ]


async def test_what_is_set_of_an_account(tenant: Tenant) -> None:
    platform, name, id = tenant.platform, tenant.account.name, str(tenant.account.id)
    for disabled in (True, True, False):
        assert (await disable_account(platform, name, disabled=disabled)).is_disabled is disabled
    await keep_personal_data(platform, name, 30)
    acts = await told(platform, tenant.account.id)
    assert acts[:2] == [
        (AuditedAct.ACCOUNT_DISABLED, None, id, {}),
        (AuditedAct.ACCOUNT_ENABLED, None, id, {}),
    ]
    [(act, mode, object, facts)] = acts[2:]
    assert (act, mode, object) == (AuditedAct.ACCOUNT_CHANGED, None, id)
    assert list(facts.values()) == [[None, 30]]


async def test_what_is_set_of_a_company(shop: Shop) -> None:
    bank = BankAccount("Banco Exemplo", "AO93999900000000000001429", "Moto, Lda.")
    company = await shop.company(
        "moto",
        [],
        capabilities=Capabilities(True, bank, True, ("small",), 9_000),
        service_zones=("Luanda",),
        base_fee=500,
        base_eta_minutes=40,
        logo_url="https://logo.example/m.png",
    )
    await change_company(shop.platform, "AO", "moto", shop.account.id, base_fee=600, active=False)
    await set_company_tariffs(shop.platform, company, fees((1_000, 10), (2_000, 20)))
    acts = await told(shop.platform, shop.account.id)
    created, _, object, facts = acts[0]
    assert (created, object) == (AuditedAct.COMPANY_CREATED, str(company.id))
    assert facts == {
        "market": "AO",
        "slug": "moto",
        "name": "Moto",
        "connector": "inhouse",
        "active": True,
        "logo_url": "https://logo.example/m.png",
        "service_zones": ["Luanda"],
        "base_fee": 500,
        "base_eta_minutes": 40,
        "time_zone": "Africa/Luanda",
        "require_delivery_pin": True,
        "bank_transfer_enabled": True,
        "bank": "Banco Exemplo",
        "iban": "…1429",
        "parcel_types": ["small"],
        "max_weight_grams": 9_000,
        "margin_percent": "0",
        "margin_fixed": 0,
    }
    changed = (
        AuditedAct.COMPANY_CHANGED,
        None,
        object,
        {"active": [True, False], "base_fee": [500, 600]},
    )
    assert changed in acts


async def test_what_is_erased_or_given_out_of_a_phone(shop: Shop) -> None:
    await shop.company("moto")
    ended = await shop.create(pickup=PICKUP, dropoff=DROPOFF, parcel=PARCEL, metadata=METADATA)
    await move_by_hand(shop.platform, shop.scope, ENTREGA, ended.id, Status.CANCELLED, "no")
    under_way = await shop.create(pickup=PICKUP, dropoff=DROPOFF)
    before = len(await told(shop.platform, shop.account.id))
    [one, other] = await export_phone(shop.platform, PHONE, shop.account)
    done = await erase_phone(shop.platform, PHONE, shop.account)
    assert (done.erased, [one.id for one in done.put_off]) == (1, [under_way.id])
    (exported, _, phone, given), (erased, _, again, facts) = (
        await told(shop.platform, shop.account.id)
    )[before:]
    assert (exported, erased, phone) == (
        AuditedAct.PRIVACY_EXPORTED,
        AuditedAct.PRIVACY_ERASED,
        again,
    )
    assert (given, facts) == ({"deliveries": 2}, {"erased": 1, "when_ended": 1})
    assert PHONE not in str(phone)
    assert {one.delivery.id, other.delivery.id} == {ended.id, under_way.id}
    shown = as_json(one if one.delivery.id == ended.id else other)
    assert {name: shown[name] for name in ("mode", "status", "courier", "pin", "fee")} == {
        "mode": shop.mode,
        "status": Status.CANCELLED,
        "courier": "Moto",
        "pin": None,
        "fee": ended.fee,
    }
    assert (shown["reference"], shown["external_ref"]) == (ended.reference, None)
    assert (shown["metadata"], shown["created_at"]) == (METADATA, ended.created_at)
    assert (shown["pickup_by"], shown["deliver_by"]) == (ended.pickup_by, ended.deliver_by)
    assert shown["payment"] == {"method": "prepaid", "cash_collect": None, "due_at": None}
    assert shown["parcel"] == {
        "weight_grams": PARCEL.weight_grams,
        "description": PARCEL.description,
        "declared_value": PARCEL.declared_value,
    }
    assert shown["at_another_platform"] is None
    assert [each["status"] for each in shown["history"]] == ["pending", "cancelled"]
    assert shown["history"][-1]["note"] == "no"
    assert shown["dropoff"] == {
        "name": DROPOFF.name,
        "phone": DROPOFF.phone,
        "phone_e164": PHONE,
        "address": DROPOFF.address,
        "city": DROPOFF.city,
        "province": DROPOFF.province,
        "notes": DROPOFF.notes,
        "latitude": DROPOFF.latitude,
        "longitude": DROPOFF.longitude,
    }
