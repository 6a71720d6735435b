"""The facts of a request for logs and measurements: its id, its route, its account and key."""

from dataclasses import dataclass

from starlette.types import Scope

from estafette.core.accounts.account import Credential

_NAME = "estafette.trace"


@dataclass(slots=True)
class Trace:
    """The facts of one request that may be recorded; never a body, a key or a query string.

    `route` is the template of the path: `/delivery/v1/deliveries/{deliveryId}`. `base` is written
    before it where the host name chose the application (`//lisbon`), since another application may
    have the same paths. `is_routine` marks a request that comes by itself every few seconds, of a
    monitor or a driver's phone: it is measured, and logged only when it fails. `client` is the
    caller's address; `key_id` is the id of the API key, never a part of the key. `code` is the code
    of a refusal, as the API writes it.
    """

    request_id: str
    route: str | None = None
    base: str = ""
    client: str | None = None
    account_id: str | None = None
    key_id: str | None = None
    is_routine: bool = False
    credential: Credential | None = None
    code: str | None = None

    def recognise(self, credential: Credential) -> None:
        """Notes the account and key of the request, whether it is accepted or refused."""
        self.credential = credential
        self.account_id = str(credential.account.id)
        self.key_id = str(credential.key_id)


def start_trace(scope: Scope, request_id: str, client: str | None = None) -> Trace:
    """Begins the trace of a request from the address `client`."""
    trace = Trace(request_id, client=client)
    scope[_NAME] = trace
    return trace


def trace_of(scope: Scope) -> Trace:
    """Returns the trace of a request; where none was started, an empty one that is not logged."""
    trace = scope.get(_NAME)
    return trace if isinstance(trace, Trace) else start_trace(scope, "")
