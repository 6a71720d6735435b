"""By which words people find a delivery: its numbers, phones, names, places and metadata.

What is typed finds the deliveries that have each of its words, as the beginning of a word of
theirs or, for four digits and more, as the end of one of their phones. An index knows a delivery by
the beginnings of its words, hashed together with the tenant; what it finds is compared with the
words themselves.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast
from zlib import crc32

from estafette.core.accounts.account import Scope
from estafette.core.deliveries.delivery import Delivery
from estafette.core.deliveries.search import fold

MOST_WORDS = 80
"""How many words of a delivery it is found by, the first in the order of `_texts`."""

LONGEST_WORD = 40
"""How much of a word counts, in characters."""

MOST_WANTED = 6
"""How many words of what is typed count."""

LONGEST_TYPED = 200
"""How much of what is typed is read, in characters."""

_MOST_METADATA = 50
_LONGEST_TEXT = 600
_BEGINNINGS = (3, 5)
_PHONE_END = 4
_PHONE_COMPARED = 9  # a country is written before it, or a trunk prefix, or neither
_WORD = re.compile(r"[^\W_]+")
_PHONE = re.compile(r"[\d\s()+.\-]+")
_HALF = 1 << 31


class Findable(NamedTuple):
    """What a delivery is found by: its words on one line, and their hashes."""

    content: str
    hashes: Sequence[int]


def findable(delivery: Delivery) -> Findable:
    """Returns what a delivery is found by."""
    seed = _seed(delivery.scope)
    words = [word[:LONGEST_WORD] for text in _texts(delivery) for word in _words(text)]
    words = list(dict.fromkeys(words))[:MOST_WORDS]
    phones = list(dict.fromkeys(_phones(delivery)))
    hashes = {
        _hash(seed, word[:length]) for word in words for length in _BEGINNINGS if len(word) > length
    }
    hashes.update(_hash(seed, word) for word in words if len(word) <= _BEGINNINGS[-1])
    hashes.update(_hash(seed, f"#{phone[-_PHONE_END:]}") for phone in phones)
    content = " ".join(["", *words, *(f"{phone}#" for phone in phones), ""])
    return Findable(content, sorted(hashes))


def _texts(delivery: Delivery) -> Iterator[str]:
    pickup, dropoff = delivery.pickup, delivery.dropoff
    yield from (delivery.reference or "", delivery.external_ref or "")
    for stop in (dropoff, pickup):
        yield from (stop.name or "", stop.city or "", stop.address)
    yield from _values(delivery.metadata, _MOST_METADATA)


def _values(metadata: Mapping[str, Any] | None, most: int) -> Iterator[str]:
    """The texts and numbers in metadata, wherever they stand in it."""
    left: list[Any] = [metadata or {}]
    while left and most:
        value = left.pop(0)
        if isinstance(value, Mapping):
            left.extend(cast("Mapping[str, Any]", value).values())
        elif isinstance(value, list):
            left.extend(cast("list[Any]", value))
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            most -= 1
            yield str(value)


def _phones(delivery: Delivery) -> Iterator[str]:
    for stop in (delivery.dropoff, delivery.pickup):
        digits = "".join(filter(str.isdecimal, stop.phone_e164 or ""))
        if len(digits) >= _PHONE_END:
            yield digits


def _words(text: str) -> Iterable[str]:
    return _WORD.findall(fold(text[:_LONGEST_TEXT]))


class Term(NamedTuple):
    """One word of what is looked for: the hashes of which one must be there, and its patterns.

    The patterns are of SQL's `like`; one of them must fit the content.
    """

    hashes: Sequence[int]
    patterns: Sequence[str]

    def fits(self, content: str) -> bool:
        """Returns whether a delivery of that content has the word."""
        return any(pattern.strip("%") in content for pattern in self.patterns)


def wanted(scope: Scope, typed: str) -> list[Term]:
    """Returns the words to look for; none where nothing that counts was typed."""
    typed, seed = typed[:LONGEST_TYPED].strip(), _seed(scope)
    digits = "".join(each for each in typed if "0" <= each <= "9")
    if _PHONE.fullmatch(typed) and len(digits) >= _PHONE_END and digits != typed:
        return [_phone_term(seed, digits)]
    words = list(dict.fromkeys(word[:LONGEST_WORD] for word in _words(typed)))
    return [_term(seed, word) for word in words[:MOST_WANTED]]


def _phone_term(seed: int, digits: str) -> Term:
    ending = digits[-_PHONE_COMPARED:]
    return Term([_hash(seed, f"#{ending[-_PHONE_END:]}")], [f"%{ending}#%"])


def _term(seed: int, word: str) -> Term:
    length = max((each for each in _BEGINNINGS if each <= len(word)), default=None)
    whole = length is None or len(word) < _BEGINNINGS[0]
    hashes, patterns = [_hash(seed, word if whole else word[:length])], [f"% {word}%"]
    if whole:  # a beginning this short is in no index: it must be a whole word
        patterns = [f"% {word} %"]
    if word.isdecimal() and word.isascii() and len(word) >= _PHONE_END:
        phone = _phone_term(seed, word)
        return Term([*hashes, *phone.hashes], [*patterns, *phone.patterns])
    return Term(hashes, patterns)


def fits(terms: Iterable[Term], delivery: Delivery) -> bool:
    """Returns whether a delivery has each of the words."""
    content = findable(delivery).content
    return all(term.fits(content) for term in terms)


def _seed(scope: Scope) -> int:
    return crc32(scope.account_id.bytes + scope.mode.encode())


def _hash(seed: int, word: str) -> int:
    return crc32(word.encode(), seed) - _HALF
