"""Texts to phones through the operator's gateway, whose request the settings describe.

In the URL, in the values of headers and in the body, `{phone}` (E.164), `{digits}` (the same
without the plus), `{text}` and `{id}` are filled in. Each is escaped for its place: percent-encoded
in the URL and in a form, and in other bodies, by `Content-Type`, as within a string of JSON or an
element of XML.
"""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final, Self
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape as xml_escaped

import orjson

from estafette.notifications.sending import SECONDS, NotSentError, Outgoing
from estafette.webhooks.guard import Guard
from estafette.webhooks.sender import ExchangeOutcome, Request, Sender

_PLACE: Final = re.compile(r"\{(phone|digits|text|id)\}")
_JSON: Final = "application/json"
_UNSENT: Final = "the gateway did not take it"


def _in_json(text: str) -> str:
    return orjson.dumps(text).decode()[1:-1]


def _escaping(media_type: str) -> Callable[[str], str]:
    """Returns how a value is escaped in a body of that media type."""
    kind = media_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return quote_plus
    if kind.endswith(("/xml", "+xml")):
        return xml_escaped
    if kind.startswith("text/"):
        return str
    return _in_json


def _filled(template: str, values: Mapping[str, str], escape: Callable[[str], str]) -> str:
    return _PLACE.sub(lambda place: escape(values[place[1]]), template)


class GatewaySender:
    """Sends each text by one POST. A 2xx means that the gateway has accepted it."""

    def __init__(self, guard: Guard, url: str, headers: Mapping[str, str], body: str) -> None:
        """Takes the `guard`, which decides on each dialled address; the others are templates."""
        self._sender = Sender(guard)
        self._url = url
        types = [value for name, value in headers.items() if name.lower() == "content-type"]
        self._headers = headers if types else {"Content-Type": _JSON, **headers}
        self._escape = _escaping(types[0] if types else _JSON)
        self._body = body

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._sender.close()

    async def send(self, outgoing: Outgoing) -> None:
        """Asks the gateway to pass a text on. Raises NotSentError."""
        values = {
            "phone": outgoing.to,
            "digits": outgoing.to.removeprefix("+"),
            "text": outgoing.text,
            "id": outgoing.id,
        }
        request = Request(
            url=_filled(self._url, values, lambda value: quote(value, safe="")),
            headers={
                name: _filled(value, values, lambda value: quote(value, safe="+"))
                for name, value in self._headers.items()
            },
            body=_filled(self._body, values, self._escape).encode(),
            timeout_seconds=SECONDS,
        )
        result = await self._sender.send(request)
        if result.outcome is ExchangeOutcome.DELIVERED:
            return
        wish = result.retry_after_seconds
        asked = None if wish is None else timedelta(seconds=wish)
        raise NotSentError(result.error or _UNSENT, asked=asked)
