"""What a request leaves behind for whoever watches: its id, its route, who asked."""

from dataclasses import dataclass

from starlette.types import Scope

from estafette.core.accounts.account import Credential

_NAME = "estafette.trace"


@dataclass(slots=True)
class Trace:
    """The facts of one request that may be recorded; never a body, a key or a query string.

    `route` is the template of the path: `/delivery/v1/deliveries/{deliveryId}`. `base` stands
    before it where a host name chose who answers (`//lisbon`), since others may have the same
    paths. `is_probe` is for what monitors ask all the time: it is measured, and logged only when it
    fails. `client` is the caller's address; `key_id` is the id of the API key that was shown, never
    a part of it.
    """

    request_id: str
    route: str | None = None
    base: str = ""
    client: str | None = None
    account_id: str | None = None
    key_id: str | None = None
    is_probe: bool = False

    def recognise(self, credential: Credential) -> None:
        """Notes whose request it is, let in or not."""
        self.account_id = str(credential.account.id)
        self.key_id = str(credential.key_id)


def start_trace(scope: Scope, request_id: str, client: str | None = None) -> Trace:
    """Begins the trace of a request from the address `client`."""
    trace = Trace(request_id, client=client)
    scope[_NAME] = trace
    return trace


def trace_of(scope: Scope) -> Trace:
    """The trace of a request; a loose one where nobody watches."""
    trace = scope.get(_NAME)
    return trace if isinstance(trace, Trace) else start_trace(scope, "")
