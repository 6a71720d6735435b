"""The widget API: the operations for pages in a browser, with the rules of CORS.

mapping.py decides what a page may see. Every answer names the origin that may read it, never `*`,
and says that it differs by origin.
"""

from collections.abc import Mapping

from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from estafette.core.accounts.account import Credential
from estafette.core.accounts.acts import Operation
from estafette.core.accounts.page_orders import OrderingPage
from estafette.core.errors import Busy, DeliveryNotFound, Unavailable
from estafette.dialects.entrega import mapping
from estafette.dialects.entrega.auth import Access, origin_of
from estafette.dialects.entrega.errors import UntrustedOrigin, code_of
from estafette.dialects.entrega.operations import Operations, data, delivery_id_in
from estafette.http.errors import Errors
from estafette.http.limiter import open_to_all
from estafette.http.reply import Header, HttpReply
from estafette.http.resource import Handler, Resource
from estafette.usecases.deliveries.find import Finder
from estafette.usecases.platform import Platform

_READERS = "estafette.entrega.reader"
_VARY: Header = (b"vary", b"Origin")
_EXPOSED: Header = (
    b"access-control-expose-headers",
    b"Idempotent-Replayed, Retry-After, X-Request-Id",
)
_ASKABLE: Header = (
    b"access-control-allow-headers",
    b"Authorization, Content-Type, Idempotency-Key, X-Request-Id",
)
_REMEMBERED: Header = (b"access-control-max-age", b"600")


class _WidgetApi:
    """The handlers of the widget API."""

    def __init__(
        self,
        platform: Platform,
        operations: Operations,
        finder: Finder,
        access: Access,
    ) -> None:
        self._platform = platform
        self._operations = operations
        self._finder = finder
        self._access = access

    async def couriers(self, scope: Scope, _: Receive) -> HttpReply:
        """`GET /widget/couriers`."""
        credential, _page = await self._admitted(scope, Operation.SHOW_COMPANIES)
        return await self._operations.couriers(credential)

    async def quote(self, scope: Scope, receive: Receive) -> HttpReply:
        """`POST /widget/quotes`."""
        credential, page = await self._admitted(scope, Operation.QUOTE)
        return await self._operations.quote(credential, scope, receive, page)

    async def create(self, scope: Scope, receive: Receive) -> HttpReply:
        """`POST /widget/deliveries`."""
        credential, page = await self._admitted(scope, Operation.CREATE)
        return await self._operations.create(
            credential, "POST /v1/widget/deliveries", scope, receive, mapping.widget_delivery, page
        )

    async def get(self, scope: Scope, _: Receive) -> HttpReply:
        """`GET /widget/deliveries/{id}`."""
        credential, _page = await self._admitted(scope, Operation.SHOW)
        id = delivery_id_in(scope)
        delivery = await self._finder.find(credential.scope, id)
        if not delivery.by_page:  # only the merchant may see its price and payment
            raise DeliveryNotFound(id)
        return data(mapping.widget_delivery(delivery, self._platform.public_url))

    async def _admitted(
        self, scope: Scope, operation: Operation
    ) -> tuple[Credential, OrderingPage]:
        try:
            return await self._access.admit_page(scope, operation, origin_of(scope))
        except UntrustedOrigin:
            scope[_READERS] = None  # another account may trust the origin; this one does not
            raise


class _PageResource:
    """A path of the widget API. It is a resource whose answers trusted pages may read."""

    def __init__(
        self,
        template: str,
        handlers: Mapping[str, Handler],
        access: Access,
        errors: Errors,
    ) -> None:
        methods = ", ".join([*handlers, "OPTIONS"])
        self._methods: Header = (b"access-control-allow-methods", methods.encode())
        self._access = access
        preflight = {"OPTIONS": open_to_all(self._preflight)}
        self._resource = Resource(template, {**handlers, **preflight}, errors.reply, code_of)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        origin = origin_of(scope)
        # This holds until the key shows the account, so that the developer of a page can read a
        # refusal.
        scope[_READERS] = origin if await self._may_read(origin) else None

        async def send_to_page(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_readable(scope[_READERS])]
            await send(message)

        await self._resource(scope, receive, send_to_page)

    async def _may_read(self, origin: str | None) -> bool:
        try:
            return await self._access.may_preflight(origin)
        except (Busy, Unavailable):
            return False

    async def _preflight(self, scope: Scope, _: Receive) -> HttpReply:
        """Answers `OPTIONS`, by which a browser asks whether a page may send the request."""
        if scope[_READERS] is None:
            raise UntrustedOrigin
        return HttpReply(204, b"", (self._methods, _ASKABLE, _REMEMBERED))


def _readable(origin: str | None) -> list[Header]:
    """Returns the headers that let a page of `origin` read an answer; None lets no page."""
    if origin is None:
        return [_VARY]
    return [_VARY, (b"access-control-allow-origin", origin.encode("latin-1")), _EXPOSED]


def widget_routes(
    platform: Platform,
    operations: Operations,
    finder: Finder,
    access: Access,
    errors: Errors,
) -> list[Route]:
    """Returns the widget API's paths."""
    api = _WidgetApi(platform, operations, finder, access)
    paths: dict[str, Mapping[str, Handler]] = {
        "/widget/couriers": {"GET": api.couriers},
        "/widget/quotes": {"POST": api.quote},
        "/widget/deliveries": {"POST": api.create},
        "/widget/deliveries/{id}": {"GET": api.get},
    }
    return [
        Route(template, _PageResource(template, handlers, access, errors))
        for template, handlers in paths.items()
    ]
