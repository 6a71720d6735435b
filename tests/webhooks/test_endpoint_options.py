"""What an endpoint chooses beside its address: its signature, and headers of its own."""

import hmac
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from estafette.app import RENDERERS
from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries.delivery import Status
from estafette.core.ids import new_id
from estafette.core.webhooks.headers import HeaderRefusedError
from estafette.usecases.accounts.secret_key import rotate as rotate_secret_key
from estafette.usecases.accounts.secrets import Cipher, new_cipher_key, new_token
from estafette.usecases.platform import Platform
from estafette.usecases.webhooks import endpoints
from estafette.usecases.webhooks.options import choose, remove_header, set_header
from estafette.webhooks.message import Message, Rendered
from estafette.webhooks.standard import signed_headers
from tests.receivers import Receiver
from tests.rows import tables
from tests.secret_key import CIPHER_KEY
from tests.usecases.stage import DIALECT, Tenant
from tests.webhooks.stage import is_signed_by, listen_at, said, until_settled, working

VALUE = "gateway-value-0123456789"
WITH_HEADERS = {"headers": tables.PRESENT}


async def test_the_library_of_standard_webhooks_verifies_what_an_endpoint_chose(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    async with Receiver() as receiver, working(platform, fresh_database):
        endpoint = await listen_at(tenant, receiver.url)
        await choose(platform, tenant.scope, "default", format="standard")
        await tenant.create()
        await receiver.wait_for(1)
        await endpoints.rotate(platform, tenant.scope, timedelta(hours=1))
        await tenant.create()
        await receiver.wait_for(2)
        [rotated, *_] = await endpoints.list_endpoints(platform, tenant.scope.account_id)
        await choose(platform, tenant.scope, "default", format="dialect")
        await tenant.create()
        await receiver.wait_for(3)
    first, second, third = receiver.requests
    assert rotated.next_secret is not None
    verified = Webhook(endpoint.secret).verify(first.body, dict(first.headers))
    assert verified == said(first)
    assert first.headers["webhook-id"] == said(first)["eventId"]
    assert "x-signature" not in first.headers
    for secret in (endpoint.secret, rotated.next_secret):  # both sign while a rotation runs
        Webhook(secret).verify(second.body, dict(second.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(new_token("whsec_")).verify(second.body, dict(second.headers))
    assert is_signed_by(third, endpoint.secret)
    assert "webhook-signature" not in third.headers


@pytest.mark.parametrize("dialect", RENDERERS)
def test_every_dialect_can_be_signed_so_with_the_secret_that_it_has(dialect: str) -> None:
    message, secret = _message(dialect), new_token("whsec_")
    now = int(datetime.now(UTC).timestamp())
    rendered = RENDERERS[dialect].render(message, now)
    headers = signed_headers("standard", _message(dialect, secret), rendered, now)
    assert Webhook(secret).verify(rendered.body, headers) == orjson.loads(rendered.body)
    assert rendered.id in orjson.loads(rendered.body).values()
    own = signed_headers("dialect", message, rendered, now)
    assert headers.keys() & own.keys() == rendered.headers.keys()


def test_a_standard_signature_is_made_of_the_id_the_time_and_the_body() -> None:
    secrets = "whsec_" + b64encode(b"now").decode(), "whsec_" + b64encode(b"next").decode()
    message = replace(_message("kaspi", secrets[0]), next_secret=secrets[1])
    rendered = Rendered("evt_1", {"a": "b"}, b"{}", {"own": "signature"})
    made = [
        b64encode(hmac.digest(key, b"evt_1.1718190322.{}", "sha256")).decode()
        for key in (b"now", b"next")
    ]
    assert signed_headers("standard", message, rendered, 1_718_190_322) == {
        "a": "b",
        "webhook-id": "evt_1",
        "webhook-timestamp": "1718190322",
        "webhook-signature": f"v1,{made[0]} v1,{made[1]}",
    }
    assert signed_headers("dialect", message, rendered, 1) == {"a": "b", "own": "signature"}


@pytest.mark.parametrize("secret", ["bm93", "whsec_bm93!"])
def test_a_secret_that_the_format_cannot_read_signs_nothing(secret: str) -> None:
    rendered = Rendered("evt_1", {}, b"{}", {})
    with pytest.raises(ValueError, match=r"^(the secret does not begin with whsec_$|.*base64)"):
        signed_headers("standard", _message("kaspi", secret), rendered, 1)


def _message(dialect: str, secret: str = "whsec_") -> Message:
    return Message(
        id=uuid4(),
        scope=Scope(uuid4(), Mode.LIVE),
        endpoint_id=uuid4(),
        dialect=dialect,
        url="http://127.0.0.1/",
        secret=secret,
        type="delivery.created",
        attempt=1,
        event_id=new_id(),
        ordinal=0,
        is_test=False,
        occurred_at=datetime.now(UTC),
        delivery_id=new_id(),
        reference="DLV-2026-00001",
        seq=1,
        status=Status.PENDING,
        milestone=Status.PENDING,
    )


async def test_an_endpoints_own_headers_go_to_its_address_and_nowhere_else(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    of = (platform, tenant.scope, "default")
    async with Receiver() as receiver, Receiver() as elsewhere:
        await listen_at(tenant, receiver.url)
        await set_header(*of, "X-Api-Key", VALUE)
        await set_header(*of, "Authorization", "Basic abc")
        assert (await remove_header(*of, "authorization")).headers == ("X-Api-Key",)
        async with working(platform, fresh_database):
            await tenant.create()
            await endpoints.send_test(platform, tenant.scope)
            await receiver.wait_for(2)
            await endpoints.send_test(platform, tenant.scope, url=elsewhere.url)
            await elsewhere.wait_for(1)
            await until_settled(tenant, 3)
    for request in receiver.requests:
        assert request.headers["x-api-key"] == VALUE
        assert "authorization" not in request.headers
        assert request.headers["content-type"] == "application/json"
    assert "x-api-key" not in elsewhere.requests[0].headers


async def test_a_header_never_takes_the_place_of_one_of_ours(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    """Also where it was stored before a version that writes such a header."""
    async with Receiver() as receiver:
        endpoint = await listen_at(tenant, receiver.url)
        await set_header(platform, tenant.scope, "default", "x-signature", VALUE)
        async with working(platform, fresh_database):
            await tenant.create()
            await receiver.wait_for(1)
    assert is_signed_by(receiver.requests[0], endpoint.secret)


@pytest.mark.parametrize("dialect", RENDERERS)
async def test_no_header_that_a_dialect_writes_can_be_set(
    platform: Platform, tenant: Tenant, dialect: str
) -> None:
    await listen_at(tenant, None)
    rendered = RENDERERS[dialect].render(_message(dialect), 0)
    platform = replace(platform, dialects={**platform.dialects, dialect: DIALECT})
    for name in {**rendered.headers, **rendered.signature}:
        with pytest.raises(HeaderRefusedError):
            await set_header(platform, tenant.scope, "default", name, "x")


async def test_headers_are_stored_encrypted_and_follow_the_secret_key(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    await listen_at(tenant, None)
    await set_header(platform, tenant.scope, "default", "X-Api-Key", VALUE)
    before = await _stored(platform)
    assert VALUE.encode() not in before
    platform = replace(platform, cipher=Cipher(new_cipher_key(), CIPHER_KEY))
    await rotate_secret_key(platform)
    after = await _stored(platform)
    assert after != before
    assert platform.cipher.renewed(after, _owner(await _endpoint_id(platform))) is None
    noted = await tables.values(platform.pool, "audit", "changes")
    assert not any(VALUE in changes for changes in noted)
    assert any("X-Api-Key" in changes for changes in noted)


def _owner(endpoint_id: Any) -> bytes:
    return endpoint_id.bytes + b" headers"


async def _stored(platform: Platform) -> bytes:
    return await tables.value(platform.pool, "endpoints", "headers", WITH_HEADERS)


async def _endpoint_id(platform: Platform) -> Any:
    return await tables.value(platform.pool, "endpoints", "id", WITH_HEADERS)
