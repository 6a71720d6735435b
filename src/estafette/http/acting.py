"""Names who acts by a request, for the audit."""

from starlette.types import Scope

from estafette.core.accounts.account import Credential
from estafette.core.audit import By
from estafette.http.trace import trace_of


def acting(scope: Scope, credential: Credential) -> By:
    """Returns who acts by a request: its API key and the caller's address."""
    return By.key(credential.key_id, trace_of(scope).client)
