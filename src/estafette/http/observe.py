"""The outermost layer: request ids, one log line and one measurement for each request, crashes."""

import time
from typing import Any, Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from estafette.http.address import ClientAddresses
from estafette.http.fallback import Fallback, plain
from estafette.http.limiter import AddressLimits, set_limits
from estafette.http.refusals import Disconnected
from estafette.http.reply import HttpReply, guarded, send_reply
from estafette.http.request import request_id
from estafette.http.trace import Trace, start_trace
from estafette.metrics import RequestMetrics

CLIENT_GONE = 499
"""What is recorded, and never sent, for a caller who went away before its answer."""


class Logger(Protocol):
    """Takes an event with its facts, as structlog's loggers do."""

    def info(self, event: str, /, **facts: Any) -> Any:
        """Records what happened."""
        ...

    def error(self, event: str, /, **facts: Any) -> Any:
        """Records what went wrong."""
        ...


class Observer:
    """Wraps the whole application.

    From here on `scope["client"]` holds the caller's own address, not that of a trusted proxy.
    Every response gets `X-Request-Id`, and the headers of `http.reply.guarded`. A crash is answered
    by `fallback` with status 500, tells the caller nothing, and goes to the log with its traceback.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        logger: Logger,
        metrics: RequestMetrics,
        fallback: Fallback = plain,
        addresses: ClientAddresses | None = None,
        limits: AddressLimits | None = None,
    ) -> None:
        """Watches `app`.

        Without `addresses` no proxy is trusted, without `limits` nothing is limited by address.
        """
        self._app = app
        self._logger = logger
        self._metrics = metrics
        self._fallback = fallback
        self._addresses = addresses or ClientAddresses()
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request; other ASGI events pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        path: str = scope["path"]
        client = self._addresses.of(scope)
        trace = start_trace(scope, request_id(scope["headers"]), client)
        if client is not None:
            peer = scope["client"]
            scope["client"] = (client, peer[1] if peer[0] == client else 0)
        if self._limits is not None:
            set_limits(scope, self._limits)
        id_header = (b"x-request-id", trace.request_id.encode("ascii"))
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*guarded(message.get("headers", ())), id_header]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Disconnected:
            status = CLIENT_GONE  # whatever was said, nobody was there to hear it
        except Exception as error:  # the last boundary: the process serves on
            self._logger.error(
                "request crashed", request_id=trace.request_id, client=client, exc_info=error
            )
            if not status:
                content_type, body = self._fallback(path, 500)
                headers = [(b"content-type", content_type.encode("latin-1"))]
                await send_reply(send_with_id, HttpReply(500, body, headers))
        finally:
            self._record(scope, trace, status or CLIENT_GONE, time.perf_counter() - began)

    def _record(self, scope: Scope, trace: Trace, status: int, seconds: float) -> None:
        route = trace.route or f"{scope.get('root_path', '')}/*"
        method: str = scope["method"]
        self._metrics.observe(method, route, status, seconds)
        if trace.is_probe and status < 400:
            return  # asked every few seconds by machines: a line each would hide the others
        self._logger.info(
            "request",
            request_id=trace.request_id,
            method=method,
            route=route,
            status=status,
            duration_ms=round(seconds * 1000, 2),
            client=trace.client,
            account=trace.account_id,
            key_id=trace.key_id,
        )
