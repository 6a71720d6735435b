"""Who did what is written in the transaction of the act."""

from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from estafette.core.accounts.account import Mode
from estafette.core.audit import AuditedAct, AuditEntry, By
from estafette.core.errors import PaymentNotAwaited, TransitionRefused
from estafette.core.ids import new_id
from estafette.usecases import audit
from estafette.usecases.accounts.administration import create_account, set_rate
from estafette.usecases.accounts.keys import create_key, disable_key, list_keys
from estafette.usecases.audit import AuditFilter, list_entries
from estafette.usecases.cursor import CursorUnknownError
from estafette.usecases.deliveries.advance import unlock_pin
from estafette.usecases.money.payments import confirm_payment
from estafette.usecases.platform import Platform
from estafette.usecases.webhooks.endpoints import (
    reveal_endpoints,
    rotate,
    send_test,
    set_enabled,
    set_endpoint,
)
from tests.usecases.angola import BY_TRANSFER, ENTREGA, WITH_BANK, Shop
from tests.usecases.stage import Tenant

_HOUR = timedelta(hours=1)
OPERATOR = By.command("ana")


async def acts(platform: Platform, account_id: UUID) -> list[AuditEntry]:
    """The entries of an account, oldest first."""
    return (await list_entries(platform, AuditFilter(account_id), limit=500)).entries[::-1]


async def test_who_disabled_a_key_is_written_down(platform: Platform, tenant: Tenant) -> None:
    issued = await create_key(platform, tenant.account, Mode.SANDBOX)
    theirs = platform.acting(OPERATOR)
    await disable_key(theirs, tenant.account, str(issued.known.id))
    entry = (await acts(platform, tenant.account.id))[-1]
    assert (entry.act, entry.by, entry.object) == (
        AuditedAct.KEY_DISABLED,
        OPERATOR,
        str(issued.known.id),
    )
    assert (entry.account_id, entry.mode) == (tenant.account.id, Mode.SANDBOX)
    assert issued.key not in repr(await acts(platform, tenant.account.id))


async def test_an_act_that_cannot_be_written_down_does_not_happen(
    platform: Platform, tenant: Tenant
) -> None:
    issued = await create_key(platform, tenant.account, Mode.SANDBOX)
    nameless = platform.acting(By.command("\0"))  # which the database refuses
    with pytest.raises(asyncpg.DataError):
        await disable_key(nameless, tenant.account, str(issued.known.id))
    (key,) = [key for key in await list_keys(platform, tenant.account) if key.id == issued.known.id]
    assert key.disabled_at is None


async def test_an_act_that_is_refused_is_not_written_down(shop: Shop) -> None:
    await shop.company("bank", capabilities=WITH_BANK)
    delivery = await shop.create(payment=BY_TRANSFER)
    platform = shop.platform.acting(OPERATOR)
    await confirm_payment(platform, shop.scope, ENTREGA, delivery.id)
    with pytest.raises((PaymentNotAwaited, TransitionRefused)):
        await confirm_payment(platform, shop.scope, ENTREGA, delivery.id)
    confirmed = [
        entry
        for entry in await acts(platform, shop.account.id)
        if entry.act == AuditedAct.PAYMENT_CONFIRMED
    ]
    (entry,) = confirmed
    assert (entry.by, entry.object) == (OPERATOR, str(delivery.id))
    assert entry.changes == {"reference": delivery.reference, "fee": delivery.fee}


async def test_an_unlocked_pin_is_written_down_without_the_pin(shop: Shop) -> None:
    await shop.company("inhouse")
    delivery = await shop.create()
    await unlock_pin(shop.platform.acting(OPERATOR), shop.scope, delivery.id)
    entry = (await acts(shop.platform, shop.account.id))[-1]
    assert (entry.act, entry.changes) == (AuditedAct.DELIVERY_PIN_UNLOCKED, {"failures": [0, 0]})


async def test_a_change_tells_what_was_and_what_is(platform: Platform) -> None:
    account, issued = await create_account(platform, f"a{new_id().hex}", "KZ", rate_per_second=5)
    await set_rate(platform.acting(OPERATOR), account.name, 7)
    made, changed = await acts(platform, account.id)
    assert made.act == AuditedAct.ACCOUNT_CREATED
    assert made.changes["keys"] == [str(key.known.id) for key in issued]
    assert changed.changes == {"rate_per_second": [5, 7], "burst": [10, 14]}


async def test_no_secret_of_an_endpoint_and_no_path_of_its_url_is_written_down(
    platform: Platform, tenant: Tenant
) -> None:
    scope = tenant.scope
    url = "https://user:pass@hooks.example:8443/T0KEN/x?sig=S1G"
    made = await set_endpoint(platform, scope, url, "audited")
    await rotate(platform, scope, overlap=_HOUR, name="audited")
    await set_enabled(platform, scope, "audited", enabled=False)
    await set_endpoint(platform, scope, None, "audited")
    (shown,) = [
        one for one in await reveal_endpoints(platform, scope.account_id) if one.name == "audited"
    ]
    await set_endpoint(platform, scope, url)
    await send_test(platform, scope, "created", url)
    entries = await acts(platform, scope.account_id)
    told = [entry.act for entry in entries if entry.changes.get("name") == "audited"]
    assert told == [
        AuditedAct.ENDPOINT_CREATED,
        AuditedAct.ENDPOINT_ROTATED,
        AuditedAct.ENDPOINT_DISABLED,
        AuditedAct.ENDPOINT_CHANGED,
        AuditedAct.ENDPOINT_REVEALED,
    ]
    everything = repr(entries)
    assert "https://hooks.example:8443" in everything
    for secret in (made.secret, shown.secret, shown.next_secret, "T0KEN", "S1G", "pass"):
        assert secret is not None
        assert secret not in everything


async def test_pages_of_the_audit_follow_each_other_and_end(
    platform: Platform, tenant: Tenant
) -> None:
    for _ in range(5):
        await create_key(platform, tenant.account, Mode.SANDBOX)
    wanted = AuditFilter(tenant.account.id, act="key")
    seen: list[AuditEntry] = []
    after: str | None = None
    while True:
        page = await list_entries(platform, wanted, after, 2)
        seen += page.entries
        if (after := page.next) is None:
            break
    assert len(seen) == 5
    assert [entry.at for entry in seen] == sorted((entry.at for entry in seen), reverse=True)
    assert len({entry.id for entry in seen}) == 5
    for garbage in ("", "x~y", "2026-01-01~", "2026-01-01T00:00:00~" + str(new_id())):
        with pytest.raises(CursorUnknownError):
            await list_entries(platform, wanted, garbage)


async def test_nothing_is_noted_outside_a_transaction(platform: Platform) -> None:
    async with platform.pool.acquire() as connection:
        with pytest.raises(RuntimeError, match="outside a transaction"):
            await audit.note(connection, OPERATOR, AuditedAct.KEY_DISABLED)
