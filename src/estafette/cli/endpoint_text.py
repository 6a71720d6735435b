"""An endpoint in words: as one JSON object, and as the lines that an account's developer needs."""

from typing import Any

from estafette.cli.output import OK, fields, say_json, time_text
from estafette.usecases.webhooks.endpoints import MOST_WAITING, EndpointSettings

_FORMATS = {"dialect": "as the account's dialect says", "standard": "Standard Webhooks"}


def say_settings(
    endpoint: EndpointSettings,
    account: str,
    *,
    json: bool,
    reveal: bool = False,
    waiting: int | None = None,
) -> int:
    """Prints an endpoint as it is after a command, and how many webhooks wait for it."""
    if json:
        say_json(endpoint_json(endpoint, reveal=reveal, waiting=waiting))
    else:
        say_endpoint(endpoint, account, reveal=reveal, waiting=waiting)
    return OK


def endpoint_json(
    endpoint: EndpointSettings, *, reveal: bool = False, waiting: int | None = None
) -> dict[str, Any]:
    """An endpoint as JSON, with its secrets where they are revealed."""
    shown: dict[str, Any] = {
        "mode": endpoint.scope.mode,
        "name": endpoint.name,
        "url": endpoint.url,
        "enabled": endpoint.is_enabled,
        "disabled_at": endpoint.disabled_at,
        "disabled_why": endpoint.disabled_why,
        "format": endpoint.format,
        "order_seconds": endpoint.order_seconds,
        "headers": endpoint.headers,
        "events": endpoint.types,
        "next_secret_from": endpoint.next_secret_from,
    }
    if waiting is not None:
        shown["waiting"] = waiting
    if reveal:
        shown |= {"secret": endpoint.secret, "next_secret": endpoint.next_secret}
    return shown


def say_endpoint(
    endpoint: EndpointSettings, account: str, *, reveal: bool, waiting: int | None
) -> None:
    """Prints an endpoint as lines, and how many webhooks wait for it."""
    shows = f"estafette webhooks show --account {account} --reveal"
    secret = endpoint.secret if reveal else f"kept; shown by: {shows}"
    following = endpoint.next_secret if reveal else "waits"
    fields(
        {
            "endpoint": f"{endpoint.name} ({endpoint.scope.mode})",
            "url": endpoint.url or "not set: nothing is sent",
            "state": _state(endpoint),
            "waiting": _waiting_text(endpoint, waiting) if waiting else None,
            "signed": _FORMATS[endpoint.format],
            "order": _order_text(endpoint.order_seconds),
            "headers": ", ".join(endpoint.headers) or None,
            "events": ", ".join(endpoint.types or ()) or None,
            "secret": secret,
            "next secret": following if endpoint.next_secret else None,
            "signs from": endpoint.next_secret_from,
        }
    )


def _state(endpoint: EndpointSettings) -> str | None:
    if endpoint.disabled_at is None:
        return None
    why = ": its receiver answered 410 Gone again and again" if endpoint.disabled_why else ""
    return f"disabled since {time_text(endpoint.disabled_at)}{why}"


def _waiting_text(endpoint: EndpointSettings, waiting: int) -> str:
    count = f"{waiting}{' or more' if waiting == MOST_WAITING else ''}"
    if not endpoint.is_enabled:
        return f"{count}, which are sent once it is enabled"
    return count if endpoint.url else f"{count}, which are sent once it has a URL"


def _order_text(seconds: int | None) -> str | None:
    if seconds is None:
        return None
    return f"a later webhook waits up to {seconds} s" if seconds else "none is kept"
