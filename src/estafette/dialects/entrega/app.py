"""The Entrega dialect over HTTP: for each path, how its request is read, done and answered."""

from collections.abc import Mapping
from importlib.resources import files

from starlette.types import ASGIApp, Receive, Scope

from estafette.core.accounts.acts import Operation
from estafette.core.audit import By
from estafette.core.errors import DeliveryNotFound
from estafette.dialects.entrega import mapping
from estafette.dialects.entrega.auth import Access
from estafette.dialects.entrega.errors import PROBLEM, code_of, errors
from estafette.dialects.entrega.listing import read_list
from estafette.dialects.entrega.operations import REPLAYED, Operations, data, delivery_id_in
from estafette.dialects.entrega.widget import widget_routes
from estafette.http.docs import Docs
from estafette.http.limiter import RateLimiter, caller, open_to_all
from estafette.http.operations import answered, idempotency, json
from estafette.http.reply import HttpReply
from estafette.http.request import client_address, idempotency_key, while_connected
from estafette.http.resource import Handler, resources
from estafette.usecases.deliveries import find
from estafette.usecases.deliveries.cancel import Cancellation, cancel
from estafette.usecases.deliveries.confirm import Confirmation, confirm
from estafette.usecases.deliveries.create import Creator
from estafette.usecases.deliveries.pins import opened
from estafette.usecases.deliveries.search import list_page
from estafette.usecases.deliveries.tracking import track
from estafette.usecases.platform import Platform
from estafette.usecases.proofs.show import shown_to_merchant


class _MerchantApi:
    """The handlers of the merchant API, and of public tracking."""

    def __init__(
        self,
        platform: Platform,
        operations: Operations,
        finder: find.Finder,
        access: Access,
    ) -> None:
        self._platform = platform
        self._operations = operations
        self._finder = finder
        self._access = access

    async def couriers(self, scope: Scope, _: Receive) -> HttpReply:
        """`GET /couriers`."""
        credential = await self._access.admit(scope, Operation.SHOW_COMPANIES)
        return await self._operations.couriers(credential)

    async def quote(self, scope: Scope, receive: Receive) -> HttpReply:
        """`POST /quotes`."""
        credential = await self._access.admit(scope, Operation.QUOTE)
        return await self._operations.quote(credential, scope, receive)

    async def create(self, scope: Scope, receive: Receive) -> HttpReply:
        """`POST /deliveries`."""
        credential = await self._access.admit(scope, Operation.CREATE)
        return await self._operations.create(
            credential, "POST /v1/deliveries", scope, receive, mapping.delivery
        )

    async def list(self, scope: Scope, receive: Receive) -> HttpReply:
        """`GET /deliveries`."""
        credential = await self._access.admit(scope, Operation.LIST)
        wanted = read_list(scope["query_string"])
        finding = list_page(self._platform, credential.scope, wanted)
        found, more = await while_connected(receive, finding)
        public_url = self._platform.public_url
        found = [opened(self._platform.cipher, delivery) for delivery in found]
        page = mapping.page(found, public_url, wanted.limit, wanted.offset, more)
        return json(200, page)

    async def get(self, scope: Scope, _: Receive) -> HttpReply:
        """`GET /deliveries/{id}`."""
        credential = await self._access.admit(scope, Operation.SHOW)
        delivery = await self._finder.find(credential.scope, delivery_id_in(scope))
        shown = opened(self._platform.cipher, delivery)
        proofs = await shown_to_merchant(self._platform, delivery)
        return data(mapping.delivery(shown, self._platform.public_url, proofs))

    async def cancel(self, scope: Scope, _: Receive) -> HttpReply:
        """`DELETE /deliveries/{id}`."""
        credential = await self._access.admit(scope, Operation.CANCEL)
        id = delivery_id_in(scope)
        endpoint = f"DELETE /v1/deliveries/{id}"
        cancellation = Cancellation(
            scope=credential.scope,
            dialect=mapping.DIALECT,
            delivery_id=id,
            render=self._operations.render(200, mapping.delivery),
            idempotency=idempotency(credential, endpoint, idempotency_key(scope)),
        )
        return answered(await cancel(self._platform, cancellation), REPLAYED, PROBLEM)

    async def confirm(self, scope: Scope, _: Receive) -> HttpReply:
        """`POST /deliveries/{id}/confirm`."""
        credential = await self._access.admit(scope, Operation.CONFIRM)
        id = delivery_id_in(scope)
        endpoint = f"POST /v1/deliveries/{id}/confirm"
        confirmation = Confirmation(
            scope=credential.scope,
            dialect=mapping.DIALECT,
            delivery_id=id,
            by=By.key(credential.key_id, client_address(scope)),
            render=self._operations.render(200, mapping.delivery),
            idempotency=idempotency(credential, endpoint, idempotency_key(scope)),
        )
        return answered(await confirm(self._platform, confirmation), REPLAYED, PROBLEM)

    async def events(self, scope: Scope, _: Receive) -> HttpReply:
        """`GET /deliveries/{id}/events`."""
        credential = await self._access.admit(scope, Operation.SHOW_HISTORY)
        id = delivery_id_in(scope)
        delivery, events = await find.find_with_history(self._platform, credential.scope, id)
        proofs = await shown_to_merchant(self._platform, delivery)
        return data(mapping.timeline(events, proofs))

    async def tracking(self, scope: Scope, _: Receive) -> HttpReply:
        """`GET /deliveries/{id}/tracking`, for anybody who knows the id."""
        id = delivery_id_in(scope)
        known = await track(self._platform, id, caller(scope))
        if known is None or not mapping.is_ours(known):
            raise DeliveryNotFound(id)
        return json(200, mapping.tracked(known))


CONTRACT = (files("estafette.dialects.entrega") / "openapi.yaml").read_text("utf-8")
"""The contract of this dialect, in OpenAPI 3.1."""


def build(platform: Platform, creator: Creator, limiter: RateLimiter) -> ASGIApp:
    """Returns the dialect as an application, to be mounted as its record says."""
    refusals = errors(platform.public_url)
    operations = Operations(platform, creator, refusals)
    finder = find.Finder(platform)
    access = Access(platform, limiter)
    api = _MerchantApi(platform, operations, finder, access)
    docs = Docs("Entrega", CONTRACT, "openapi.json")
    paths: dict[str, Mapping[str, Handler]] = {
        "/couriers": {"GET": api.couriers},
        "/quotes": {"POST": api.quote},
        "/deliveries": {"POST": api.create, "GET": api.list},
        "/deliveries/{id}": {"GET": api.get, "DELETE": api.cancel},
        "/deliveries/{id}/confirm": {"POST": api.confirm},
        "/deliveries/{id}/events": {"GET": api.events},
        "/deliveries/{id}/tracking": {"GET": open_to_all(api.tracking)},
        "/openapi.json": {"GET": open_to_all(docs.contract)},
        "/docs": {"GET": open_to_all(docs.page)},
    }
    pages = widget_routes(platform, operations, finder, access, refusals)
    return resources(paths, refusals.reply, *pages, code_of=code_of)
