"""What reads foreign text does work in proportion to its length, whatever the text is made of."""

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from uuid import UUID

import pytest

from estafette.core.accounts.account import Mode, Scope
from estafette.core.accounts.origin import OriginPatternError, read_pattern, trusts
from estafette.core.deliveries import search
from estafette.core.quotes.address_words import normalise, parts_of
from estafette.core.quotes.place import City, CityIndex
from estafette.core.quotes.tariff_file import TariffFileError, tariffs_from_csv
from estafette.core.sandbox.scenario import mentioned
from estafette.couriers.entrega.schemas import Hint
from estafette.couriers.entrega.schemas import read as read_answer
from estafette.couriers.platforms.failures import InDoubt
from estafette.http.language import negotiate
from estafette.http.moments import read_moment
from estafette.http.parameters import Query
from estafette.http.phones import e164
from estafette.http.refusals import BadBody
from estafette.http.request import request_id
from estafette.http.strict_json import decode, fingerprint
from estafette.logs import lines as logs
from estafette.store.quotes.table import digests
from estafette.web.tracking.contacts import without_contacts
from estafette.web.tracking.view import readable_note
from estafette.webhooks.guard import UrlRefusedError, check_url

_SCOPE = Scope(UUID(int=1), Mode.LIVE)
_CITY = City("almaty", "Almaty", "KZ", 43.25, 76.91, 1_977_011, ("Алматы", "Алма-Ата"))
_CITIES = CityIndex([_CITY])
_EXPECTED = (BadBody, InDoubt, OriginPatternError, TariffFileError, UrlRefusedError)


def _log(text: str) -> None:
    logs.redact(None, "info", {"event": "x", "error": text})


_READERS: Mapping[str, Callable[[str], object]] = {
    "fold": search.fold,
    "grams": lambda text: search.grams_of(_SCOPE, text),
    "needle": lambda text: search.needle(_SCOPE, search.fold(text)),
    "address words": normalise,
    "parts of an address": parts_of,
    "city of an address": _CITIES.find,
    "digests": lambda text: digests({"origin": {"city": text, text: 1}}),
    "scenario": mentioned,
    "origin": lambda origin: trusts(["https://*.loja.ao", "https://loja.ao"], origin),
    "origin pattern": read_pattern,
    "price list": tariffs_from_csv,
    "log": _log,
    "phone": lambda text: e164(text, "KZ"),
    "note": lambda text: readable_note(text, "KZ"),
    "contacts": lambda text: without_contacts(text, "KZ"),
    "language": lambda text: negotiate(text, ("en", "kk"), unstated="en"),
    "time": read_moment,
    "query": lambda text: Query(text.encode()),
    "request id": lambda text: request_id([(b"x-request-id", text.encode())]),
    "JSON": lambda text: fingerprint(decode(text.encode())),
    "JSON text": lambda text: fingerprint(decode(b'{"a": "' + text.encode() + b'"}')),
    "answer": lambda text: read_answer(Hint, text.encode()),
    "webhook address": check_url,
}
"""Every function that is given a text of others."""

_UNITS = (
    *("a", "1", " ", "+1", "1 ", "(", "://", "http://", "http://a", "@", "a@", "a@a.", "aaaa."),
    *(
        "/",
        "a-",
        "_",
        "ab_",
        "input_value=",
        "DETAIL:",
        "bearer ",
        "sandbox:",
        "https://*.",
        "xn--",
    ),
    *(
        "Almaty ",
        "Almaty, ",
        "Алматы",
        "aа",
        "р-н",
        "&",
        "a=&",
        ",",
        ";",
        '"',
        "\n",
        "\n ",
        "\\u0301",
    ),
    *("[", '{"a":', "1,", "9" * 400 + ",", "é", "\u0301", "\u0316\u0301", "\uff9e\u0345", "\ufdfa"),
    *("\u202e", "\u200b", "\u200d👩", "٣", "\u00a0"),
)
"""Of what hostile texts are made, again and again."""

_TEXTS: Mapping[str, Callable[[int], str]] = {
    **{ascii(unit): lambda size, unit=unit: (unit * size)[:size] for unit in _UNITS},
    "marks out of order": lambda size: "a" + "\u0301" * (size // 2) + "\u0316" * (size // 2),
    "marks that begin as letters": lambda size: "\u0345" * (size // 2) + "\uff9e" * (size // 2),
    "a name without an end": lambda size: "a" * size + "@",
    "digits with a point": lambda size: "1" * size + ".5",
}

_ENOUGH_SECONDS = 0.003
_LONGEST = 32 * 1024


def _seconds(read: Callable[[str], object], text: str, tries: int = 2) -> float:
    """The processor's time for a text, the least of some tries."""
    times: list[float] = []
    for _ in range(tries):
        began = time.process_time()
        with suppress(*_EXPECTED):
            read(text)
        times.append(time.process_time() - began)
    return min(times)


def _is_linear(read: Callable[[str], object], make: Callable[[int], str]) -> bool:
    """Whether twice the text costs about twice the time, from where it can be measured.

    Where it seems not to, four times the text may cost nine times the time: squares would cost
    sixteen times, and a neighbour who takes the processor's caches spoils less of it.
    """
    size = 1024
    while _seconds(read, make(size), tries=1) < _ENOUGH_SECONDS:
        if size >= _LONGEST:
            return True
        size *= 2
    return any(
        _seconds(read, make(times * size)) < most * _seconds(read, make(size))
        for times, most in ((2, 3), (2, 3), (4, 9), (4, 9), (4, 9))
    )


@pytest.fixture
def without_collector() -> Iterator[None]:
    """Garbage is not looked for meanwhile: how often it is depends on what else there is."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("name", _READERS)
def test_twice_the_text_costs_about_twice_the_time(name: str) -> None:
    slow = [text for text, make in _TEXTS.items() if not _is_linear(_READERS[name], make)]
    assert slow == []
