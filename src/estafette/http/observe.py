"""The outermost layer: gives requests an id, logs and measures each, answers after crashes."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from estafette.http.address import ClientAddresses
from estafette.http.error_pages import PAGES, error_page, is_page, wants_page
from estafette.http.fallback import Fallback, plain
from estafette.http.folding import Folding, Refused
from estafette.http.limiter import AddressLimits, has_key, is_paid, limits_of, set_limits
from estafette.http.logger import Logger
from estafette.http.mounts import host_of
from estafette.http.refusals import Disconnected, RateLimited
from estafette.http.reply import Header, HttpReply, guarded, send_reply
from estafette.http.request import request_id
from estafette.http.trace import Trace, start_trace
from estafette.metrics import RequestMetrics
from estafette.usecases.accounts.request_log import RequestLog

CLIENT_GONE = 499
"""The status that is logged, and never sent, where the caller went away before its answer."""

_FOR_PAGES = (b"access-control-", b"vary")
"""The headers of an answer that say which pages may read it."""


class Observer:
    """Wraps the whole application.

    From here on `scope["client"]` holds the caller's own address, not that of a trusted proxy.
    Every response gets `X-Request-Id`, and the headers of `http.reply.guarded`. A crash is answered
    by `fallback` with status 500 and without a reason, and logged with its traceback. A person with
    a browser gets a page instead (http/error_pages.py).

    A refusal that was charged to no key (there was none, or the path is not served) is counted by
    the caller's address, and `fallback` answers with status 429 where there were too many. Where a
    caller is refused many times, only some of its requests get a line of the log.
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
        requests: RequestLog | None = None,
    ) -> None:
        """Watches `app`.

        Without `addresses` no proxy is trusted, without `limits` nothing is limited by address,
        without `requests` no account sees which requests it has made.
        """
        self._app = app
        self._logger = logger
        self._metrics = metrics
        self._fallback = fallback
        self._addresses = addresses or ClientAddresses()
        self._limits = limits
        self._requests = requests
        self._folding = Folding(logger)

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
        is_replaced = False

        async def send_with_id(message: Message) -> None:
            nonlocal status, is_replaced
            if message["type"] == "http.response.start":
                status = message["status"]
                instead = self._instead(scope, message, trace.request_id) if status >= 400 else None
                if instead is not None:
                    status, is_replaced = instead.status, True
                    all_headers = [*guarded(instead.headers), id_header]
                    whole = instead._replace(headers=all_headers)
                    await send_reply(send, whole, without_body=scope["method"] == "HEAD")
                    return
                message["headers"] = [*guarded(message.get("headers", ())), id_header]
            if not is_replaced:
                await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Disconnected:
            status = CLIENT_GONE  # the answer, if any, was not received
        except Exception as error:  # the last boundary: the process goes on serving
            self._logger.error(
                "request crashed", request_id=trace.request_id, client=client, exc_info=error
            )
            if not status:
                content_type, body = self._fallback(host_of(scope["headers"]), path, 500)
                headers = [(b"content-type", content_type.encode("latin-1"))]
                await send_reply(send_with_id, HttpReply(500, body, headers))
        finally:
            self._record(scope, trace, status or CLIENT_GONE, time.perf_counter() - began)

    def _instead(self, scope: Scope, answer: Message, request_id: str) -> HttpReply | None:
        """Returns what is answered instead of a refusal or a crash, if anything is."""
        status: int = answer["status"]
        headers: list[Header] = list(answer.get("headers", ()))
        if status < 500 and (wait := _owed(scope, status)):
            status = 429
            content_type, body = self._fallback(host_of(scope["headers"]), scope["path"], 429)
            # Pages that could read the other answer may read this one too.
            kept = [each for each in headers if each[0].startswith(_FOR_PAGES)]
            headers = [*kept, (b"retry-after", b"%d" % wait)]
            own = (b"content-type", content_type.encode("latin-1"))
            plainly = HttpReply(429, body, [*headers, own])
        else:
            plainly = None
        if status in PAGES and not is_page(headers) and wants_page(scope):
            return error_page(scope, status, request_id, headers)
        return plainly

    def _record(self, scope: Scope, trace: Trace, status: int, seconds: float) -> None:
        route = trace.route or f"{trace.base}{scope.get('root_path', '')}/*"
        method: str = scope["method"]
        self._metrics.observe(method, route, status, seconds)
        if trace.credential is not None and self._requests is not None:
            of, id = trace.credential, trace.request_id
            self._requests.note(of.scope, of.key_id, id, method, route, status, trace.code, seconds)
        if trace.is_routine and status < 400:
            return  # they come every few seconds: a line for each would hide the others
        is_refused = 400 <= status < 500 and (status == 429 or not has_key(scope))
        if is_refused and self._folding.takes(Refused(trace.client, status, trace.key_id)):
            return
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


def _owed(scope: Scope, status: int) -> int:
    """Counts a refusal by the caller's address if it was not charged to a key.

    Returns 0, or after too many refusals the seconds until the caller may try again.
    """
    if is_paid(scope):
        return 0
    try:
        limits_of(scope).refuse(scope, status)
    except RateLimited as refusal:
        return refusal.retry_after
    return 0
