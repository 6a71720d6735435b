"""What of a delivery a search looks through, and the grams by which an index finds it.

A search finds a piece of text wherever it stands, whatever its case and accents. The index below
it knows each text by its grams: the pieces of three bytes that it has, hashed together with the
tenant, so that no tenant's texts lengthen another's lists. Grams only narrow down: what they find
is compared with the text itself.
"""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from zlib import crc32

from estafette.core.accounts.account import Scope
from estafette.core.deliveries.delivery import Delivery

# Nearly every text has these: a search for one of them finds enough texts without an index.
_EVERYWHERE = frozenset(b"abcdefghilmnoprstuv0123456789 ,.-\n")
_MOST_GRAMS = 16  # of a search: more narrow it down no further
_NEXT_BYTES = [bytes([byte]) for byte in (0x0A, *range(0x20, 0x7F), *range(0x80, 0xF5))]


def fold(text: str) -> str:
    """Returns the text without case, accents and ligatures; control characters become spaces.

    What is left may be longer or shorter, and a piece of it is a piece of what the text folds to.
    """
    folded = text.lower() if text.isascii() else text.translate(_FOLDING)
    return folded if folded.isprintable() else folded.translate(_CONTROL_CHARACTERS)


_CONTROL_CHARACTERS = dict.fromkeys((*range(32), *range(127, 160)), " ")


class _Folding(dict[int, str]):
    """A table for `str.translate`, filled as it is used, up to a bound.

    It folds character by character: decomposing a whole text would also sort its combining
    characters, which takes time by the square of their number and is not needed.
    """

    def __missing__(self, code: int) -> str:
        folded = _folded(chr(code))
        if len(self) < _REMEMBERED:
            self[code] = folded
        return folded


def _folded(character: str) -> str:
    plain = unicodedata.normalize("NFKD", character).casefold()
    return "".join(
        part for part in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(part)
    )


_REMEMBERED = 4096
_FOLDING = _Folding()


def searched_text(delivery: Delivery) -> str:
    """Returns the folded text that is searched: reference, cities, address lines; a line each."""
    pickup, dropoff = delivery.pickup, delivery.dropoff
    lines = (delivery.reference, pickup.city, pickup.address, dropoff.city, dropoff.address)
    return "\n".join([fold(line or "") for line in lines]) + "\n"


def grams_of(scope: Scope, text: str) -> set[int]:
    """Returns the grams of a folded text of a tenant, signed numbers of 32 bits.

    They are all its pieces of three bytes, and the bytes that are not in nearly every text.
    """
    seed, data = _seed(scope), text.encode()
    grams = {crc32(data[at : at + 3], seed) - _HALF for at in range(len(data) - 2)}
    for byte in {*data} - _EVERYWHERE:
        grams.add(crc32(bytes((byte,)), seed) - _HALF)
    return grams


class Needle(NamedTuple):
    """The grams that a text must have to be found: all of `all_of`, and one of `any_of`, if any.

    `all_of` are by the pieces of the text that they stand for. Without either, nothing narrows
    the search down.
    """

    all_of: Mapping[bytes, int]
    any_of: Collection[int] = ()


def needle(scope: Scope, folded: str) -> Needle:
    """By which grams a folded piece of text is found."""
    seed, data = _seed(scope), folded.encode()
    if len(data) > 2:
        pieces = list(dict.fromkeys(data[at : at + 3] for at in range(len(data) - 2)))
        step = -(-len(pieces) // _MOST_GRAMS)
        return Needle({piece: crc32(piece, seed) - _HALF for piece in pieces[::step]})
    if len(data) == 2:  # something follows it, be it the end of its line
        return Needle({}, [crc32(data + after, seed) - _HALF for after in _NEXT_BYTES])
    if data and data[0] not in _EVERYWHERE:
        return Needle({data: crc32(data, seed) - _HALF})
    return Needle({})


def rarest(grams: Sequence[int], hits: Sequence[int], count: int) -> list[int]:
    """Returns the `count` grams of a text that narrow a search down most, in the text's order.

    They are the rarest by `hits`. Of two neighbours, which mostly occur together, only the rarer
    one is taken.
    """
    by_rarity = sorted(range(len(grams)), key=lambda place: (hits[place], place))
    chosen: list[int] = []
    for place in by_rarity:
        if all(abs(place - other) > 1 for other in chosen):
            chosen.append(place)
    chosen += [place for place in by_rarity if place not in chosen]
    return [grams[place] for place in chosen[:count]]


_HALF = 1 << 31


def _seed(scope: Scope) -> int:
    return crc32(scope.account_id.bytes + scope.mode.encode())


def pattern(folded: str) -> str:
    """Returns the pattern of SQL's `like` for texts that contain this piece literally."""
    escaped = folded.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
