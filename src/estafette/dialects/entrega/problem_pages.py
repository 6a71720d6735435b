"""The pages to which the `type` of a problem leads: they tell people its meaning and what to do."""

from collections.abc import Sequence
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope

from estafette.dialects.entrega.errors import KINDS, errors
from estafette.http.limiter import open_to_all
from estafette.http.refusals import PathUnknown
from estafette.http.reply import HttpReply
from estafette.http.resource import resources
from estafette.http.shell import Group, Link, Shell, query_of, reader_of, render
from estafette.http.texts import N_, gettext, read_by


class _Explanation(NamedTuple):
    """The meaning of a kind of problem, and what to do about it."""

    meaning: str
    remedy: str


_EXPLANATIONS: dict[int, _Explanation] = {
    400: _Explanation(
        N_(
            "The request could not be read: its body is not JSON in UTF-8, or a header is"
            " malformed."
        ),
        N_("Look at `detail`, and mend the request. Sending it again as it is will not help."),
    ),
    401: _Explanation(
        N_("The API key is missing, unknown, expired or disabled."),
        N_("Send it as `Authorization: Bearer sk_…`, once, and as it was shown when it was made."),
    ),
    403: _Explanation(
        N_(
            "The key is good and may not do this: a publishable key (`pk_…`) opens the widget API"
            " alone, a secret key (`sk_…`) the merchant API alone, and the widget API answers only"
            " pages of origins that the account trusts. Or the key's scopes do not reach so"
            " far, or it"
            " is not accepted from this address."
        ),
        N_(
            "`detail` says which: use another key, or have the origin, the scope or the"
            " address added."
        ),
    ),
    404: _Explanation(
        N_(
            "There is no such thing in this account and mode, or nothing is served under this path."
        ),
        N_("Check the id, and whether it was made with a key of the same mode (test or live)."),
    ),
    405: _Explanation(
        N_("The path exists and does not know this method."),
        N_("The `Allow` header names those it knows."),
    ),
    408: _Explanation(
        N_(
            "The request did not arrive whole in time: its head within 15 seconds, its body as long"
            " again."
        ),
        N_("Send it again, over a connection that is fast enough."),
    ),
    409: _Explanation(
        N_(
            "The state of things does not allow it: a delivery can be cancelled only while it is"
            " `awaiting_payment`, `pending` or `assigned`, and be confirmed only while it is"
            " held; an"
            " `Idempotency-Key` stands for one payload."
        ),
        N_("Read the delivery again. For another payload use another `Idempotency-Key`."),
    ),
    413: _Explanation(
        N_("The body is too long."), N_("Send less: `detail` says how much is accepted.")
    ),
    415: _Explanation(
        N_("The body is compressed, as its `Content-Encoding` says; bodies are read as they are."),
        N_(
            "Switch the compression of requests off in your client. Answers may be compressed by a"
            " proxy, if you ask for it."
        ),
    ),
    422: _Explanation(
        N_("The request was read and something in it is not valid."),
        N_(
            "`errors` names every faulty field or parameter. For quotes, payment and schedule,"
            " `error` carries one of the codes below."
        ),
    ),
    429: _Explanation(
        N_(
            "The key, or the address that the requests come from, has made too many"
            " requests, or the"
            " pages of the key have had as many deliveries created within an hour as its merchant"
            " allows."
        ),
        N_("Wait for as many seconds as `Retry-After` says, then retry with exponential backoff."),
    ),
    500: _Explanation(
        N_("Something went wrong on our side."),
        N_(
            "Retry with the same `Idempotency-Key`: nothing will be done twice. If it"
            " persists, tell"
            " the operator the `X-Request-Id` of the response."
        ),
    ),
    502: _Explanation(N_("Every courier company failed to answer."), N_("Retry with backoff.")),
    503: _Explanation(
        N_("No courier company is available to this account, or the server has too much to do."),
        N_("Retry with backoff; if it persists, the operator has to configure one."),
    ),
}

_CODES = {
    "quote_id_required": N_("A delivery is created from a quote: send its `quote_id`."),
    "courier_fee_aoa_not_accepted": N_("The fee is the quote's. Leave `courier_fee_aoa` out."),
    "quote_not_found": N_("No quote of this account and mode has this id."),
    "quote_expired": N_("A quote holds for 15 minutes. Ask for a new one."),
    "quote_company_mismatch": N_("`company_id` is not the company of the quote."),
    "quote_payload_mismatch": N_(
        "`origin`, `destination` and `parcel` must be those of the quote."
    ),
    "quote_already_used": N_("A quote serves one delivery, and this one did."),
    "cash_collect_aoa_required": N_("Cash on delivery needs the sum to collect, above zero."),
    "payment_method_not_supported": N_("The courier company does not take this payment method."),
    "scheduled_window_invalid": N_(
        "Scheduled times lie in the future, within 30 days, the delivery"
        " at least 20 minutes after the pickup."
    ),
    "pickup_not_allowed": N_(
        "Pages with this publishable key have parcels picked up at places that"
        " its merchant has named. `origin` must be one of them, coordinates included."
    ),
    "payment_method_not_allowed": N_(
        "The merchant does not let pages with this key take this `payment_method`."
    ),
    "cash_collect_aoa_too_high": N_(
        "The merchant lets pages with this key collect less cash for one delivery."
    ),
}


class _Pages:
    """The handlers of `/errors` and `/errors/{slug}`."""

    def __init__(self) -> None:
        self._statuses = {kind.slug: status for status, kind in KINDS.items()}

    async def index(self, scope: Scope, _: Receive) -> HttpReply:
        """Returns every kind of problem."""
        return _page(scope, sorted(KINDS), is_index=True)

    async def one(self, scope: Scope, _: Receive) -> HttpReply:
        """Returns the page of one kind of problem. Raises PathUnknown."""
        status = self._statuses.get(scope["path_params"]["slug"])
        if status is None:
            raise PathUnknown
        return _page(scope, [status], is_index=False)


def _page(scope: Scope, statuses: Sequence[int], *, is_index: bool) -> HttpReply:
    reader = reader_of(scope)
    with read_by(reader):
        links = [
            Link("/errors", gettext("Errors"), is_current=is_index),
            Link("/v1/docs", gettext("API reference")),
        ]
    return render(
        "dialects/entrega/problem.html",
        reader,
        Shell(area="Entrega", groups=[Group(links)], query=query_of(scope)),
        headers=((b"cache-control", b"no-cache"),),
        kinds=[(status, KINDS[status], _EXPLANATIONS[status]) for status in statuses],
        codes=_CODES if 422 in statuses else {},
        is_index=is_index,
    )


def build_problem_pages(server_url: str) -> ASGIApp:
    """Returns the pages as an application, to be mounted at `PROBLEMS`."""
    pages = _Pages()
    paths = {"": {"GET": open_to_all(pages.index)}, "/{slug}": {"GET": open_to_all(pages.one)}}
    return resources(paths, errors(server_url).reply)
