"""`estafette keys limits`: what pages with a publishable key may have delivered."""

from dataclasses import replace
from typing import Annotated, Any

from cyclopts import Parameter

from estafette.cli.key_words import ANYWHERE, KeyName, for_account, named
from estafette.cli.output import OK, fields, misused, say, say_json
from estafette.cli.words import AccountName, AsJson
from estafette.core.accounts.page_limits import (
    PageLimits,
    PageLimitsError,
    PickupPlace,
    place_text,
    read_place,
)
from estafette.core.money.payment import PaymentMethod
from estafette.usecases.accounts.keys import ApiKey, set_limits

_Pickups = Annotated[
    list[str] | None,
    Parameter(
        name="--pickup",
        negative="",
        help="'ADDRESS; CITY; PROVINCE', * for any address, perhaps '; LAT, LNG; METRES' and"
        " '; contact: NAME, +PHONE'. Give several; they take the place of those before."
        " anywhere: no limit.",
    ),
]
_Methods = Annotated[
    str | None,
    Parameter(name="--methods", help=f"All, or some of {', '.join(PaymentMethod)}, with commas."),
]
_Cash = Annotated[
    int | None, Parameter(name="--max-cash", help="The most to collect for one delivery.")
]
_PerHour = Annotated[int | None, Parameter(name="--per-hour", help="Deliveries within an hour.")]
_PerAddress = Annotated[
    int | None, Parameter(name="--per-address", help="Those of one client address.")
]
_Hold = Annotated[
    bool | None,
    Parameter(
        name="--hold", negative="--no-hold", help="Each waits until it is confirmed, or does not."
    ),
]


def _changes(
    pickups: list[str] | None,
    methods: str | None,
    cash: int | None,
    per_hour: int | None,
    per_address: int | None,
    hold: bool | None,
) -> dict[str, Any]:
    """What was named, by its name in PageLimits. Raises CommandError."""
    given = {
        "pickups": None if pickups is None else _places(pickups),
        "methods": None if methods is None else _methods(methods),
        "highest_cash": cash,
        "per_hour": per_hour,
        "per_hour_from_address": per_address,
        "held": hold,
    }
    return {name: value for name, value in given.items() if value is not None}


def _places(texts: list[str]) -> tuple[PickupPlace, ...]:
    try:
        return () if texts == [ANYWHERE] else tuple(map(read_place, texts))
    except PageLimitsError as error:
        raise misused(str(error)) from None


def _methods(text: str) -> tuple[PaymentMethod, ...]:
    if text.strip().lower() == "all":
        return tuple(PaymentMethod)
    wanted = {part.strip().lower() for part in text.split(",")}
    if unknown := wanted - set(PaymentMethod):
        raise misused(f"{', '.join(sorted(unknown))!r}: there are {', '.join(PaymentMethod)}")
    return tuple(method for method in PaymentMethod if method in wanted)


def limits(
    key: KeyName,
    *,
    account: AccountName,
    pickup: _Pickups = None,
    methods: _Methods = None,
    max_cash: _Cash = None,
    per_hour: _PerHour = None,
    per_address: _PerAddress = None,
    hold: _Hold = None,
    json: AsJson = False,
) -> int:
    """Show or change what pages with a publishable key may have delivered."""
    which = named(key)
    changes = _changes(pickup, methods, max_cash, per_hour, per_address, hold)
    facts = _json(
        for_account(
            account,
            lambda platform, found: set_limits(
                platform, found, which, lambda before: replace(before, **changes)
            ),
        )
    )
    if json:
        say_json(facts)
    else:
        fields(_texts(facts))
        for place in facts["pickups"]:
            say(f"  {place}")
    return OK


def _texts(facts: dict[str, Any]) -> dict[str, Any]:
    shown = facts | {
        "methods": ", ".join(facts["methods"]),
        "held": "yes" if facts["held"] else "no",
        "pickups": "at these places alone:" if facts["pickups"] else ANYWHERE,
    }
    return {name.replace("_", " "): value for name, value in shown.items()}


def _json(key: ApiKey) -> dict[str, Any]:
    limits = key.limits or PageLimits()
    return {
        "key": key.id,
        "hint": key.hint,
        "methods": limits.methods,
        "max_cash": limits.highest_cash,
        "per_hour": limits.per_hour,
        "per_address": limits.per_hour_from_address,
        "held": limits.held,
        "pickups": [place_text(place) for place in limits.pickups],
    }
