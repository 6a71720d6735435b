"""Reading what the office's forms and addresses say, and saying what is wrong with it."""

from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request

from estafette.http.formats import number
from estafette.http.texts import gettext
from estafette.web.forms import Form

_LONGEST_ASKED: Final = 100
_LONGEST: Final = 300
"""Characters: names and e-mail addresses, by which lists go on, are shorter."""


def asked(request: Request, *names: str) -> dict[str, str]:
    """Returns what a filter asks for; "" for what it does not ask. See `in_query`."""
    return {name: in_query(request, name)[:_LONGEST_ASKED].strip() for name in names}


def in_query(request: Request, name: str) -> str:
    """Returns a text of the query that PostgreSQL takes and that is not too long; "" for none."""
    text = request.query_params.get(name, "")[:_LONGEST].replace("\0", "")
    return text.encode("utf-8", "replace").decode()


@dataclass
class Reading:
    """A form being read: `faults` are sentences by the name of the field."""

    form: Form
    faults: dict[str, str] = field(default_factory=dict[str, str])

    def whole(self, name: str, least: int, most: int, *, otherwise: int | None = None) -> int:
        """Returns a whole number from `least` to `most`; `otherwise` for an empty field."""
        text = self.form.value(name)
        if not text and otherwise is not None:
            return otherwise
        digits = "".join(text.split())
        if digits.isascii() and digits.isdigit() and len(digits) <= 19:
            found = int(digits)
            if least <= found <= most:
                return found
        self.faults[name] = gettext(
            "Write a whole number from %(least)s to %(most)s.",
            least=number(least),
            most=number(most),
        )
        return least

    def whole_or_none(self, name: str, least: int, most: int) -> int | None:
        """Returns such a number, or None for an empty field."""
        return self.whole(name, least, most) if self.form.has(name) else None
