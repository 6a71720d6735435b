"""The pages of developers, each below the path of an account's console, and their navigation."""

from typing import Final

from estafette.core.people.permission import PersonAct
from estafette.http.texts import N_
from estafette.web.areas import Entry, Section
from estafette.web.developers import (
    attempts,
    endpoint,
    endpoints,
    integration,
    key,
    keys,
    replays,
    requests,
)
from estafette.web.visit import Page, page

_POST: Final = ("POST",)
_BOTH: Final = ("GET", "POST")


def pages(home: str) -> tuple[Page, ...]:
    """Returns the pages below `home`."""
    return (*_keys(home), *_webhooks(home), *_others(home))


def _keys(home: str) -> tuple[Page, ...]:
    see, manage = PersonAct.KEYS_SEE, PersonAct.KEYS_MANAGE
    one = f"{home}/keys/{{key}}"
    return (
        page(f"{home}/keys", see, keys.show),
        page(f"{home}/keys/new", manage, keys.create, _BOTH),
        page(one, see, key.show),
        page(f"{one}/change", manage, key.change, _BOTH),
        page(f"{one}/limits", manage, key.limit, _BOTH),
        page(f"{one}/rotate", manage, key.rotate, _POST),
        page(f"{one}/disable", manage, key.disable, _POST),
        page(f"{one}/enable", manage, key.enable, _POST),
        page(f"{one}/revoke", manage, key.revoke, _POST),
    )


def _webhooks(home: str) -> tuple[Page, ...]:
    see, manage = PersonAct.ENDPOINTS_SEE, PersonAct.ENDPOINTS_MANAGE
    one = f"{home}/webhooks/{{endpoint}}"
    return (
        page(f"{home}/webhooks", see, endpoints.show),
        page(f"{home}/webhooks/new", manage, endpoints.create, _BOTH),
        page(one, see, endpoint.show),
        page(f"{one}/change", manage, endpoint.change, _BOTH),
        page(f"{one}/headers", manage, endpoint.set_one_header, _POST),
        page(f"{one}/headers/remove", manage, endpoint.remove_one_header, _POST),
        page(f"{one}/test", manage, endpoint.test, _POST),
        page(f"{one}/enable", manage, endpoint.enable, _POST),
        page(f"{one}/disable", manage, endpoint.disable, _POST),
        page(f"{one}/remove", manage, endpoint.remove, _POST),
        page(f"{one}/reveal", PersonAct.ENDPOINTS_REVEAL, endpoint.reveal, _POST),
        page(f"{one}/rotate", PersonAct.ENDPOINTS_REVEAL, endpoint.rotate, _POST),
        page(f"{one}/finish-rotation", manage, endpoint.finish, _POST),
        page(f"{home}/attempts", PersonAct.WEBHOOKS_SEE, attempts.show),
        page(f"{home}/attempts/{{message}}/{{number}}", PersonAct.WEBHOOKS_SEE, attempts.show_one),
        page(
            f"{home}/attempts/{{message}}/resend", PersonAct.WEBHOOKS_RESEND, attempts.resend, _POST
        ),
        page(f"{home}/replays", PersonAct.WEBHOOKS_RESEND, replays.show, _BOTH),
    )


def _others(home: str) -> tuple[Page, ...]:
    return (
        page(f"{home}/requests", PersonAct.REQUESTS_SEE, requests.show),
        page(f"{home}/integration", PersonAct.ENDPOINTS_SEE, integration.show),
        page(f"{home}/integration/changelog", PersonAct.ENDPOINTS_SEE, integration.changelog),
        page(f"{home}/integration/origins", PersonAct.ORIGINS_MANAGE, integration.origins, _BOTH),
    )


SECTION: Final = Section(
    N_("Developers"),
    (
        Entry("/integration", N_("Integration"), "code-xml", PersonAct.ENDPOINTS_SEE),
        Entry("/keys", N_("API keys"), "key-round", PersonAct.KEYS_SEE),
        Entry("/webhooks", N_("Webhooks"), "webhook", PersonAct.ENDPOINTS_SEE),
        Entry("/attempts", N_("Attempts"), "send", PersonAct.WEBHOOKS_SEE),
        Entry("/requests", N_("Requests"), "activity", PersonAct.REQUESTS_SEE),
    ),
)
"""Their navigation."""
