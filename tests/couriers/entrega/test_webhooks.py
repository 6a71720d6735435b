"""The receiver of other platforms' webhooks: what it believes, and whom."""

import hashlib
import hmac
import json
from collections.abc import AsyncGenerator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import Connector
from estafette.core.deliveries.delivery import Delivery
from estafette.usecases.couriers.links import Link, connect
from tests.rows import tables
from tests.serving import Answer, Server, running
from tests.usecases.angola import OFFER, FakeCourier, Shop, new_shop

_SECRETS = {Mode.LIVE: "whsec-live", Mode.SANDBOX: "whsec-sandbox"}


def signed(body: bytes, secret: str = _SECRETS[Mode.LIVE]) -> dict[str, str]:
    """The header over a body."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"x-entrega-signature": f"sha256={digest}"}


def told(upstream_id: str, ours: object = None, **changes: Any) -> bytes:
    """A webhook of a delivery there, as Entrega writes it."""
    data: dict[str, Any] = {"status": "assigned"}
    if ours is not None:
        data["metadata"] = {"estafette_delivery_id": str(ours)}
    value = {
        "id": f"evt_{uuid4()}",
        "event": "delivery.assigned",
        "occurred_at": "2026-02-01T09:30:00Z",
        "delivery_id": upstream_id,
        "delivery_reference": "DLV-2026-00042",
        "data": data,
        **changes,
    }
    return json.dumps(value).encode()


class Linked:
    """A shop with a remote company that is linked, and the server that hears of it."""

    def __init__(self, server: Server, shop: Shop, company_id: UUID) -> None:
        self.server = server
        self.shop = shop
        self.company_id = company_id

    async def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Sends a webhook; signed unless headers are given."""
        path = f"/upstream/{self.company_id}/webhooks"
        return await self.server.request(
            "POST", path, body, signed(body) if headers is None else headers
        )

    async def delivery(self) -> Delivery:
        """One of the company, which was tried to be placed and is to be tried again in an hour."""
        delivery = await self.shop.create()
        where, hour = {"delivery_id": delivery.id}, timedelta(hours=1)
        pool = self.shop.platform.pool
        await tables.change(pool, "dispatches", where, attempt=1, next_at=hour)
        return delivery

    async def is_due(self, delivery: Delivery) -> bool:
        """Whether somebody is to look now."""
        pool, where = self.shop.platform.pool, {"delivery_id": delivery.id}
        return await tables.seconds_until(pool, "dispatches", "next_at", where) <= 0


@pytest.fixture
async def linked(postgres_dsn: str) -> AsyncGenerator[Linked]:
    far = FakeCourier({"far": OFFER})
    async with running(postgres_dsn, couriers={Connector.REMOTE: far}) as server:
        shop = await new_shop(server.platform)
        company = await shop.company("far", connector=Connector.REMOTE, tariffs=[])
        keys = {Mode.LIVE: "sk_live_x", Mode.SANDBOX: "sk_test_x"}
        await connect(
            server.platform, company, Link(company.id, "https://far.example", keys, _SECRETS)
        )
        yield Linked(server, shop, company.id)


@pytest.mark.parametrize("mode", Mode)
async def test_a_signed_webhook_lets_its_delivery_be_looked_at_now(
    linked: Linked, mode: Mode
) -> None:
    delivery = await linked.delivery()
    body = told("up-1", delivery.id)
    answer = await linked.post(body, signed(body, _SECRETS[mode]))
    assert (answer.status, answer.body) == (204, b"")
    assert await linked.is_due(delivery)


async def test_a_webhook_of_a_delivery_that_is_not_ours_is_taken_and_changes_nothing(
    linked: Linked,
) -> None:
    delivery = await linked.delivery()
    for ours in (None, uuid4(), "x", 7, {"a": 1}):
        assert (await linked.post(told(str(uuid4()), ours))).status == 204
    odd: list[Any] = [None, [], "x", {"metadata": []}]
    for data in odd:
        assert (await linked.post(told(str(uuid4()), data=data))).status == 204
    assert not await linked.is_due(delivery)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-entrega-signature": ""},
        {"x-entrega-signature": "sha256="},
        {"x-entrega-signature": "sha256=" + "0" * 64},
        {"x-entrega-signature": "é"},
    ],
)
async def test_a_webhook_without_a_right_signature_is_refused(
    linked: Linked, headers: dict[str, str]
) -> None:
    delivery = await linked.delivery()
    answer = await linked.post(told("up-1", delivery.id), headers)
    assert answer.status == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert not await linked.is_due(delivery)


async def test_the_signature_is_of_the_exact_body_and_there_is_one(linked: Linked) -> None:
    delivery = await linked.delivery()
    body = told("up-1", delivery.id)
    path = f"/upstream/{linked.company_id}/webhooks"
    right = signed(body)
    assert (await linked.post(body + b" ", right)).status == 401
    assert (await linked.post(body, signed(body, "another"))).status == 401
    twice = [("x-entrega-signature", right["x-entrega-signature"])] * 2
    assert (await linked.server.request("POST", path, body, twice)).status == 401
    plain = right["x-entrega-signature"].removeprefix("sha256=")
    assert (await linked.post(body, {"x-entrega-signature": plain})).status == 401
    assert not await linked.is_due(delivery)


async def test_one_companys_secret_says_nothing_of_anothers_deliveries(linked: Linked) -> None:
    delivery = await linked.delivery()
    other = await linked.shop.company("other", connector=Connector.REMOTE, tariffs=[])
    await connect(
        linked.shop.platform,
        other,
        Link(other.id, "https://o.example", {Mode.LIVE: "k"}, {Mode.LIVE: "theirs"}),
    )
    body = told("up-1", delivery.id)
    path = f"/upstream/{other.id}/webhooks"
    answer = await linked.server.request("POST", path, body, signed(body, "theirs"))
    assert answer.status == 204
    assert not await linked.is_due(delivery)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", told("a/b"), told("x" * 200), b'{"delivery_id": 7}']
)
async def test_a_signed_body_that_is_no_webhook_is_a_bad_request(
    linked: Linked, body: bytes
) -> None:
    answer = await linked.post(body)
    assert answer.status == 400
    assert answer.told["status"] == 400


async def test_a_body_that_is_too_long_is_refused_before_its_signature_is_made(
    linked: Linked,
) -> None:
    body = b" " * (300 * 1024)
    assert (await linked.post(body)).status == 413


async def test_unknown_companies_paths_and_methods_are_refused(linked: Linked) -> None:
    body = told("up-1")
    for company in (str(uuid4()), "x", "0" * 36):
        answer = await linked.server.request(
            "POST", f"/upstream/{company}/webhooks", body, signed(body)
        )
        assert answer.status == 404
        assert answer.headers["content-type"] == "application/problem+json"
    path = f"/upstream/{linked.company_id}/webhooks"
    answer = await linked.server.request("GET", path)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    for path in ("/upstream", "/upstream/", f"/upstream/{linked.company_id}"):
        assert (await linked.server.request("POST", path, body)).status == 404


async def test_a_company_without_a_webhook_secret_believes_nobody(linked: Linked) -> None:
    other = await linked.shop.company("silent", connector=Connector.REMOTE, tariffs=[])
    await connect(
        linked.shop.platform, other, Link(other.id, "https://o.example", {Mode.LIVE: "k"}, {})
    )
    body = told("up-1")
    answer = await linked.server.request(
        "POST", f"/upstream/{other.id}/webhooks", body, signed(body, "")
    )
    assert answer.status == 401


async def test_copies_and_replays_do_no_harm(linked: Linked) -> None:
    delivery = await linked.delivery()
    body = told("up-1", delivery.id)
    for _ in range(5):
        assert (await linked.post(body)).status == 204
    assert (await linked.shop.delivery(delivery.id)).status == delivery.status
