"""Chooses a reader's language by `Accept-Language` (RFC 9110, 12.5.4) from those available."""

import re
from collections.abc import Collection

from starlette.types import Scope

from estafette.http.parameters import parameters
from estafette.http.request import header_values

DEFAULT = "en"

_ITEM = re.compile(
    r"\s*(?P<range>\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)\s*"
    r"(?:;\s*[qQ]\s*=\s*(?P<q>0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?"
)
_LONGEST_HEADER = 1000
"""Characters of the header that are read; real browsers send fewer than two hundred."""


def negotiate(header: str | None, spoken: Collection[str], *, unstated: str = DEFAULT) -> str:
    """Returns the best of the languages `spoken` for an `Accept-Language` header.

    A range matches by its primary subtag (`pt-BR` is served `pt`). The highest weight wins, and
    of equal weights the first. `;q=0` refuses a language; `*` stands for `unstated` or, where
    that was named already, for any other that is spoken. Malformed items are passed over.

    Returns `unstated` for an absent or empty header, and English when the header asks only for
    languages that are not spoken.
    """
    weights: dict[str, float] = {}
    for item in (header or "")[:_LONGEST_HEADER].split(","):
        found = _ITEM.fullmatch(item)
        if found is not None:
            primary = found["range"].split("-")[0].lower()
            weight = float(found["q"] or 1)
            # In "pt-BR;q=0, pt" the wider range decides: the first item does not refuse all of pt.
            weights[primary] = max(weight, weights.get(primary, 0.0))
    if not weights:
        return unstated
    anything = weights.pop("*", 0.0)
    candidates = [(weight, tag) for tag, weight in weights.items() if tag in spoken and weight > 0]
    if anything > 0:
        others = (tag for tag in (unstated, DEFAULT, *spoken) if tag not in weights)
        candidates += [(anything, tag) for tag in others]
    if not candidates:
        return DEFAULT
    return max(candidates, key=lambda candidate: candidate[0])[1]


def language_of(scope: Scope, spoken: Collection[str], *, of_person: str | None = None) -> str:
    """Returns the language of a page: `?lang=`, else the person's own, else an accepted one."""
    asked = parameters(scope["query_string"]).get("lang")
    for wanted in (asked[-1] if asked else None, of_person):
        if wanted is not None and wanted in spoken:
            return wanted
    accepted = b", ".join(header_values(scope, b"accept-language")).decode("latin-1")
    return negotiate(accepted or None, spoken)
