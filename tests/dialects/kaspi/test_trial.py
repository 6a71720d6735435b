"""Trying a webhook."""

from tests.dialects.kaspi.answers import TEST, bad_fields
from tests.serving import Tenant


async def test_test_webhook_is_queued_for_the_address_given(kaspi: Tenant) -> None:
    body = {"url": "https://shop.example/hook", "type": "delivery.delivered"}
    answer = await kaspi.post(TEST, body)
    assert answer.status == 202, answer.body
    assert answer.told["status"] == "queued"
    assert answer.told["eventId"].startswith("wh_test_")
    assert await kaspi.count("messages") == 1


async def test_test_webhook_without_any_address_says_what_to_do(kaspi: Tenant) -> None:
    assert bad_fields(await kaspi.post(TEST, {})) == {"url"}
    assert await kaspi.count("messages") == 0


async def test_test_webhook_refuses_addresses_that_webhooks_do_not_go_to(kaspi: Tenant) -> None:
    assert bad_fields(await kaspi.post(TEST, {"url": "file:///etc/passwd", "type": "x"})) == {
        "url",
        "type",
    }
