"""The commands for what is stored about a phone number."""

import asyncio
from dataclasses import replace

import pytest

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.core.ids import new_id
from estafette.usecases.deliveries.advance import Move
from tests.cli.stage import Command
from tests.moving import advance
from tests.usecases.angola import ENTREGA, VIANA, angola_over, new_shop

TO_THE_END = (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERED)


@pytest.fixture
def phone() -> str:
    """A number of its own."""
    return f"+244923{new_id().int % 10**6:06d}"


@pytest.fixture
def account(postgres_dsn: str, phone: str) -> str:
    """An account with two deliveries for Teresa, of which one has ended."""

    async def made() -> str:
        async with angola_over(postgres_dsn) as platform:
            shop = await new_shop(platform)
            await shop.company("moto")
            teresa = replace(VIANA, name="Teresa M.", phone=phone[4:], phone_e164=phone)
            ended, _ = [await shop.create(dropoff=teresa) for _ in range(2)]
            moves = [Move(status, Actor.COURIER) for status in TO_THE_END]
            await advance(platform, shop.scope, ENTREGA, ended.id, moves)
            return shop.account.name

    return asyncio.run(made())


def test_what_would_be_erased_is_shown_and_erased_when_told(
    over_database: Command, account: str, phone: str
) -> None:
    shown = over_database("privacy", "erase", "--phone", phone)
    assert account in shown
    assert "Nothing is erased yet. --yes erases 1 now, for good" in shown
    assert "and 1 under way as soon as they have ended" in shown
    [one, other] = over_database("privacy", "export", "--phone", phone)["deliveries"]
    assert {one["dropoff"]["name"], other["dropoff"]["name"]} == {"Teresa M."}
    assert {one["account"], other["account"]} == {account}

    done = over_database("privacy", "erase", "--phone", phone, "--yes", "--json")
    assert (done["erased"], len(done["when_ended"])) == (1, 1)
    [left] = over_database("privacy", "export", "--phone", phone)["deliveries"]
    assert left["status"] == "pending"
    entries = over_database("audit", "list", "--account", account, "--json")
    assert "privacy.erased" in str(entries)
    assert phone not in str(entries)
    ids = {one["id"], other["id"]} - {left["id"]}
    assert over_database("deliveries", "show", *ids, "--json")["status"] == "delivered"


def test_a_number_without_its_country_is_read_as_its_account_dials_it(
    over_database: Command, account: str, phone: str
) -> None:
    local = phone.removeprefix("+244")
    refused = over_database("privacy", "erase", "--phone", local, code=2)
    assert "country code" in refused
    found = over_database("privacy", "erase", "--phone", local, "--account", account, "--json")
    assert len(found["would_erase"]) == 2


def test_how_long_an_account_keeps_personal_data_is_set(
    over_database: Command, account: str
) -> None:
    assert "30 days" in over_database("accounts", "keep", account, "--days", "30")
    refused = over_database("accounts", "keep", account, "--days", "0", code=1)
    assert "from 3 to" in refused


def test_a_webhook_that_is_gone_is_not_sent_again_and_that_is_said(
    over_database: Command, account: str
) -> None:
    told = over_database(
        *("webhooks", "resend", "--account", account, "--mode", "live"),
        *("--message", str(new_id())),
        code=1,
    )
    assert "there is no such message, or it is gone" in told
    assert "ESTAFETTE_MESSAGES_KEPT_DAYS" in told
    [delivery] = over_database(
        *("deliveries", "list", "--account", account, "--mode", "live", "--limit", "1", "--json")
    )["deliveries"]
    [event, *_] = over_database("deliveries", "show", delivery["id"], "--json")["history"]
    told = over_database(
        *("webhooks", "resend", "--account", account, "--mode", "live"),
        *("--delivery", delivery["id"], "--event", event["event_id"]),
        code=1,
    )
    assert "its messages are gone" in told
