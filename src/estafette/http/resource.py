"""The paths of an API: their handlers by method, and every refusal in the API's shape."""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from estafette.core.errors import Refusal
from estafette.http.refusals import HttpRefusal, MethodRefused, PathUnknown
from estafette.http.reply import HttpReply, send_reply
from estafette.http.trace import trace_of

Handler = Callable[[Scope, Receive], Awaitable[HttpReply]]
"""Answers a request, or raises a Refusal or an HttpRefusal."""

Refuse = Callable[[Refusal | HttpRefusal], HttpReply]
"""Returns the answer to a refusal, as a dialect writes it."""


CodeOf = Callable[[bytes], str | None]
"""Returns the code in the body of a refusal as a dialect writes it; None where it has none."""


def no_code(_: bytes) -> str | None:
    """Refusals have no codes."""
    return None


LONGEST_PATH = 2_048
"""How long a path may be, in characters; the longest that is served has some 150."""


def _is_sane(path: str) -> bool:
    """Returns whether a path may be matched with those that are served.

    The pattern of a route ignores a line feed at the end, and no database stores NUL.
    """
    return len(path) <= LONGEST_PATH and "\0" not in path and not path.endswith("\n")


class Resource:
    """An ASGI application for one path template.

    HEAD is answered as GET without the body. A handler's refusals are written by `refuse`; anything
    else it raises is a crash and passes through.
    """

    def __init__(
        self,
        template: str,
        handlers: Mapping[str, Handler],
        refuse: Refuse,
        code_of: CodeOf = no_code,
    ) -> None:
        """Serves `template` (`/v1/things/{id}`) with the handler of each method."""
        self._code_of = code_of
        self.template = template
        methods = dict(handlers)
        if "GET" in methods:
            methods["HEAD"] = methods["GET"]
        self._handlers = methods
        self._allowed = tuple(sorted(methods))
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        trace = trace_of(scope)
        trace.route = f"{trace.base}{scope.get('root_path', '')}{self.template}"
        method: str = scope["method"]
        try:
            if not _is_sane(scope["path"]):
                raise PathUnknown
            handler = self._handlers.get(method)
            if handler is None:
                raise MethodRefused(self._allowed)
            reply = await handler(scope, receive)
        except (Refusal, HttpRefusal) as refusal:
            reply = self._refuse(refusal)
        if reply.status >= 400:
            trace.code = self._code_of(reply.body)
        await send_reply(send, reply, without_body=method == "HEAD")


class Nothing:
    """An ASGI application for every path that is not served."""

    def __init__(self, refuse: Refuse) -> None:
        """Answers every request with the reply of `refuse` to `PathUnknown`."""
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        without_body = scope["method"] == "HEAD"
        await send_reply(send, self._refuse(PathUnknown()), without_body=without_body)


class _Paths:
    """An ASGI application that finds the resource of a path by its segments."""

    def __init__(self, served: Iterable[Resource], otherwise: ASGIApp) -> None:
        """Serves these resources; `otherwise` gets the requests that none of them serves.

        A `{name}` in a template stands for a segment that is not empty.
        """
        self._plain: dict[str, Resource] = {}
        self._others: dict[int, list[tuple[list[str], Resource]]] = {}
        self._otherwise = otherwise
        for resource in served:
            if "{" not in resource.template:
                self._plain[resource.template] = resource
                continue
            segments = resource.template.split("/")
            self._others.setdefault(len(segments), []).append((segments, resource))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "http":
            path: str = scope["path"].removeprefix(scope.get("root_path", ""))
            resource = self._plain.get(path)
            if resource is not None:
                scope["path_params"] = {}
            else:
                resource = self._other(path, scope)
            if resource is not None:
                await resource(scope, receive, send)
                return
        await self._otherwise(scope, receive, send)

    def _other(self, path: str, scope: Scope) -> Resource | None:
        segments = path.split("/")
        for wanted, resource in self._others.get(len(segments), ()):
            values: dict[str, str] = {}
            for want, segment in zip(wanted, segments, strict=True):
                if want.startswith("{") and segment:
                    values[want[1:-1]] = segment
                elif want != segment:
                    break
            else:
                scope["path_params"] = values
                return resource
        return None


def resources(
    paths: Mapping[str, Mapping[str, Handler]],
    refuse: Refuse,
    *besides: Route,
    code_of: CodeOf = no_code,
) -> ASGIApp:
    """Returns the application that serves these paths, each with its handlers by method.

    `besides` are routes of another kind. `code_of` reads the codes of refusals. All other paths are
    refused as unknown.

    Starlette's own layers are not used: each would cost a tenth of a request's time, and its
    routes, tried one after another, as much again. The resources answer refusals, and the outermost
    layer answers after crashes.
    """
    served = [Resource(template, handlers, refuse, code_of) for template, handlers in paths.items()]
    nothing = Nothing(refuse)
    if not besides:
        return _Paths(served, nothing)
    return _Paths(served, Router(routes=besides, redirect_slashes=False, default=nothing))
