"""What a request leaves behind for whoever watches: its id, its route, its account."""

from dataclasses import dataclass

from starlette.types import Scope

_NAME = "estafette.trace"


@dataclass(slots=True)
class Trace:
    """The facts of one request that may be recorded; never a body, a key or a query string.

    `route` is the template of the path: `/delivery/v1/deliveries/{deliveryId}`. `is_probe` is for
    what monitors ask all the time: it is measured, and logged only when it fails.
    """

    request_id: str
    route: str | None = None
    account_id: str | None = None
    is_probe: bool = False


def start_trace(scope: Scope, request_id: str) -> Trace:
    """Begins the trace of a request."""
    trace = Trace(request_id)
    scope[_NAME] = trace
    return trace


def trace_of(scope: Scope) -> Trace:
    """The trace of a request; a loose one where nobody watches."""
    trace = scope.get(_NAME)
    return trace if isinstance(trace, Trace) else start_trace(scope, "")
