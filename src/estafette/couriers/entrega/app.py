"""Receives the webhooks of platforms that speak Entrega: hints, whose news is looked up there."""

import hashlib
import hmac
from collections.abc import Iterable
from uuid import UUID

from starlette.types import ASGIApp, Receive, Scope

from estafette.couriers.entrega.errors import ERRORS, CompanyUnknown, Senseless, Unsigned
from estafette.couriers.entrega.schemas import Hint, read
from estafette.couriers.platforms import metrics
from estafette.couriers.platforms.failures import InDoubt
from estafette.http.limiter import limits_of
from estafette.http.reply import HttpReply
from estafette.http.request import header_values, read_body
from estafette.http.resource import resources
from estafette.usecases.couriers import dispatch
from estafette.usecases.couriers.links import link_of
from estafette.usecases.platform import Platform

PATH = "/{companyId}/webhooks"
_SIGNATURE = b"x-entrega-signature"
_ACCEPTED = HttpReply(204, b"", ())


def webhook_url(public_url: str, company_id: UUID) -> str:
    """Returns where a company's platform shall send its webhooks."""
    return f"{public_url}/upstream/{company_id}/webhooks"


class _Receiver:
    """The handler."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def receive(self, scope: Scope, receive: Receive) -> HttpReply:
        """`POST /{companyId}/webhooks`: accepted only when it is known that somebody will look.

        Only what is not signed is limited by address: a platform may have much to tell.
        """
        company_id = _uuid(scope["path_params"]["companyId"])
        link = await link_of(self._platform, company_id) if company_id else None
        if company_id is None or link is None:
            limits_of(scope).fail(scope)
            raise CompanyUnknown
        body = await read_body(scope, receive)
        if not _is_signed(body, header_values(scope, _SIGNATURE), link.webhook_secrets.values()):
            metrics.HEARD.labels("refused").inc()
            limits_of(scope).fail(scope)
            raise Unsigned
        try:
            hint = read(Hint, body)
        except InDoubt:
            raise Senseless from None
        ours = hint.our_id
        known = await dispatch.note_webhook(
            self._platform,
            company_id,
            hint.delivery_id,
            _uuid(ours) if isinstance(ours, str) else None,
        )
        metrics.HEARD.labels("heard" if known else "unknown").inc()
        return _ACCEPTED


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None


def _is_signed(body: bytes, signatures: list[bytes], secrets: Iterable[str]) -> bool:
    """Returns whether one of the secrets, of either mode, has signed this very body."""
    if len(signatures) != 1:
        return False
    found = False
    for secret in secrets:  # all of them: how long it takes tells nothing
        expected = b"sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()
        found |= hmac.compare_digest(expected, signatures[0])
    return found


def build(platform: Platform) -> ASGIApp:
    """Returns the receiver over `platform`, to be mounted at `/upstream`."""
    receiver = _Receiver(platform)
    return resources({PATH: {"POST": receiver.receive}}, ERRORS.reply)
