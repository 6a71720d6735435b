"""What pages with a publishable key may have delivered."""

import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estafette.core.accounts.page_limits import (
    NEW_LIMITS,
    OLDER_LIMITS,
    PageLimits,
    PageLimitsError,
    PickupPlace,
    checked,
    place_text,
    read_place,
)
from estafette.core.accounts.page_orders import (
    SLICE,
    OrderTally,
    hour_refusal,
    order_refusal,
    pickup_for,
    pickup_refusal,
    source_of,
)
from estafette.core.deliveries.delivery import Stop
from estafette.core.errors import (
    HourIsFull,
    PageCashRefused,
    PageMethodRefused,
    PickupRefused,
)
from estafette.core.money.payment import PREPAID, Payment, PaymentMethod

_SHOP = Stop("Rua Rainha Ginga 31", city="Luanda", province="Luanda")
_PLACE = PickupPlace("Luanda", "Luanda", "Rua Rainha Ginga 31")
_NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
_KEY = UUID(int=7)


def _refused(place: PickupPlace, pickup: Stop) -> bool:
    refusal = pickup_refusal(PageLimits(pickups=(place,)), pickup)
    assert refusal in (None, PickupRefused())
    return refusal is not None


def test_without_places_anything_may_be_picked_up_anywhere() -> None:
    assert pickup_refusal(PageLimits(), Stop("Anywhere 1")) is None


@pytest.mark.parametrize(
    "pickup",
    [
        _SHOP,
        Stop("rua rainha ginga, 31", city="LUANDA", province="luánda"),
        Stop("Rua  Rainha Ginga 31 ", city=" Luanda", province="Luanda"),
    ],
)
def test_a_place_covers_its_address_however_it_is_written(pickup: Stop) -> None:
    assert not _refused(_PLACE, pickup)


@pytest.mark.parametrize(
    "pickup",
    [
        replace(_SHOP, address="Rua Rainha Ginga 32"),
        replace(_SHOP, address="Rua Rainha Ginga 31, e depois Rua do Ladrão 1"),
        replace(_SHOP, city="Benguela"),
        replace(_SHOP, province="Benguela"),
        replace(_SHOP, city=None),
        replace(_SHOP, latitude=-8.8, longitude=13.2),
        replace(_SHOP, address="Rua Rainha Ginga 31 → 🆁🅴🅲🅾🅻🅷🅴🆁 🅽🅰 🆁🆄🅰 🆇🅰🆅🅸🅴🆁"),
        replace(_SHOP, address="Rua Rainha Ginga 31 🇷🇺🇦"),
        replace(_SHOP, address="Rua Rainha Ginga 31 ✖ ➊"),
        replace(_SHOP, address="Rua Rainha Gi\u0363\u0364nga 31"),  # marks that are letters
        replace(_SHOP, address="Rua Rainha Ginga\u200b 31"),
        replace(_SHOP, address="Rua Rainha Ginga 31 ₁"),
        replace(_SHOP, address="Rua Rainha Ginga 3 1"),
        replace(_SHOP, address="Rua Rainha Ginga 31" + " /\\" * 40),  # letters drawn of punctuation
    ],
)
def test_a_place_covers_no_other_address_and_no_coordinates_that_it_does_not_know(
    pickup: Stop,
) -> None:
    assert _refused(_PLACE, pickup)


def test_coordinates_must_be_within_the_radius_of_the_place_that_has_some() -> None:
    place = replace(_PLACE, latitude=-8.8159, longitude=13.2306, radius_m=150)
    assert not _refused(place, _SHOP)
    assert not _refused(place, replace(_SHOP, latitude=-8.8170, longitude=13.2306))  # 122 m
    assert _refused(place, replace(_SHOP, latitude=-8.8175, longitude=13.2306))  # 178 m
    assert not _refused(place, replace(_SHOP, latitude=-8.9))  # half a point is none
    near = replace(_SHOP, latitude=-8.8159, longitude=13.2306)
    assert _refused(place, replace(near, address="Rua do Ladrão 1"))  # a courier reads the address


@pytest.mark.parametrize(
    ("latitude", "north", "east", "metres"),
    [(60, 0, 0.0026, 145), (60, 0, -0.0026, 145), (-8.8, 0.0009, 0.0009, 141), (0, 0.001, 0, 111)],
)
def test_a_radius_is_measured_on_the_globe_in_every_direction(
    latitude: float, north: float, east: float, metres: int
) -> None:
    pickup = replace(_SHOP, latitude=latitude + north, longitude=13 + east)
    for radius, refused in ((metres - 1, True), (metres + 1, False)):
        place = replace(_PLACE, latitude=latitude, longitude=13, radius_m=radius)
        assert _refused(place, pickup) is refused


@pytest.mark.parametrize(("dots", "refused"), [(32, False), (33, True)])
def test_so_much_punctuation_is_left_out_of_an_address_and_no_more(
    dots: int, refused: bool
) -> None:
    assert _refused(_PLACE, replace(_SHOP, address=_SHOP.address + "." * dots)) is refused


def test_a_place_without_an_address_is_a_whole_city() -> None:
    place = replace(_PLACE, address=None)
    assert not _refused(place, replace(_SHOP, address="Rua 7"))
    assert _refused(place, replace(_SHOP, city="Benguela"))


@given(st.text(min_size=1, max_size=40))
def test_whatever_stands_in_an_address_besides_ordinary_punctuation_keeps_it_from_agreeing(
    more: str,
) -> None:
    left_out = all(unicodedata.category(each)[0] in "PZCM" or each in "`^" for each in more)
    if not left_out:
        assert _refused(_PLACE, replace(_SHOP, address=f"{_SHOP.address} {more}"))


_LOJA = replace(_PLACE, contact="Loja Kianda", phone="+244222333444")
_SAYS = replace(_SHOP, name="LOJA KIANDA", phone="222 333 444", phone_e164="+244222333444")


@pytest.mark.parametrize("pickup", [_SHOP, _SAYS, replace(_SAYS, phone=None, phone_e164=None)])
def test_a_contact_that_a_page_says_is_the_places_or_is_filled_from_it(pickup: Stop) -> None:
    limits = PageLimits(pickups=(_LOJA,))
    assert pickup_refusal(limits, pickup) is None
    met = pickup_for(limits, pickup)
    assert (met.name, met.phone, met.phone_e164) == ("Loja Kianda", _LOJA.phone, _LOJA.phone)


@pytest.mark.parametrize(
    "pickup",
    [
        replace(_SAYS, name="RECOLHER NA RUA XAVIER 99"),
        replace(_SAYS, phone="923 444 555", phone_e164="+244923444555"),
    ],
)
def test_another_contact_than_the_places_is_refused(pickup: Stop) -> None:
    assert _refused(_LOJA, pickup)
    assert _refused(replace(_LOJA, phone=None), pickup)


def test_where_places_name_nobody_what_a_page_says_of_a_contact_is_not_kept() -> None:
    limits = PageLimits(pickups=(_PLACE,))
    assert pickup_refusal(limits, _SAYS) is None
    assert pickup_for(limits, _SAYS) == _SHOP
    assert pickup_for(PageLimits(), _SAYS) == _SAYS


def test_payment_is_taken_in_the_ways_that_are_allowed() -> None:
    limits = PageLimits(methods=(PaymentMethod.PREPAID,))
    cash = Payment(PaymentMethod.COD, 500)
    assert order_refusal(limits, _SHOP, PREPAID) is None
    assert order_refusal(limits, _SHOP, cash) == PageMethodRefused(
        PaymentMethod.COD, limits.methods
    )


def test_where_nothing_may_be_picked_up_nothing_may_be_ordered() -> None:
    limits = PageLimits(pickups=(_PLACE,), highest_cash=0)
    assert order_refusal(limits, _SHOP, PREPAID) is None
    assert order_refusal(limits, replace(_SHOP, city="Benguela"), PREPAID) == PickupRefused()


def test_cash_is_collected_up_to_the_highest_sum() -> None:
    limits = PageLimits(highest_cash=500)
    assert order_refusal(limits, _SHOP, Payment(PaymentMethod.COD, 500)) is None
    for sum in (501, 2**53):
        assert order_refusal(limits, _SHOP, Payment(PaymentMethod.COD, sum)) == PageCashRefused(500)


def test_every_key_has_finite_limits() -> None:
    for limits in (NEW_LIMITS, OLDER_LIMITS):
        assert checked(limits) == limits
        assert limits.highest_cash < 2**53 - 1
        assert limits.per_hour_from_address < 96
        assert not limits.held


@pytest.mark.parametrize(
    "text",
    [
        "Rua Rainha Ginga 31; Luanda; Luanda",
        "*; Luanda; Luanda",
        "Rua Rainha Ginga 31; Luanda; Luanda; -8.8159, 13.2306; 150",
        "*; Viana; Icolo e Bengo; -8.9, 13.37; 5000",
        "Rua 1; Luanda; Luanda; contact: Loja Kianda, +244222333444",
        "Rua 1; Luanda; Luanda; -8.8159, 13.2306; 150; contact: Loja, Lda., +244222333444",
        "Rua 1; Luanda; Luanda; contact: +244222333444",
        "Rua 1; Luanda; Luanda; contact: Loja, Lda.",
    ],
)
def test_places_are_read_and_shown_alike(text: str) -> None:
    assert place_text(read_place(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Luanda",
        "Rua 1; Luanda",
        "; Luanda; Luanda",
        "Rua 1; ; Luanda",
        "...; Luanda; Luanda",
        "Rua 1; *; Luanda",
        "Rua 1; Luanda; Luanda; here",
        "Rua 1; Luanda; Luanda; 90.5, 0",
        "Rua 1; Luanda; Luanda; -90.5, 0",
        "Rua 1; Luanda; Luanda; 0, 180.5",
        "Rua 1; Luanda; Luanda; 0, -180.5",
        "Rua 1; Luanda; Luanda; nan, 0",
        "Rua 1; Luanda; Luanda; 1, 2; far",
        "Rua 1; Luanda; Luanda; 1, 2; 0",
        "Rua 1; Luanda; Luanda; 1, 2; 100; more",
        "Rua 1; Luanda; Luanda; contact:",
        "Rua 1; Luanda; Luanda; contact: Loja, +12",
        "Rua 1; Luanda; Luanda; contact: Loja, +244 222 333X444",
        "Rua 1; Luanda; contact: Loja",
        "x" * 600 + "; Luanda; Luanda",
    ],
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(PageLimitsError) as refused:
        read_place(text)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "Luanda" * 20,
            f"{('Luanda' * 20)[:80]!r} is no place such as 'Rua Rainha Ginga 31; Luanda; Luanda' or"
            " '*; Luanda; Luanda; -8.8159, 13.2306; 5000'",
        ),
        ("Rua 1; L; L; 91, 0", "'91, 0' is no point such as -8.8159, 13.2306"),
        ("Rua 1; L; L; here", "'here' is no point such as -8.8159, 13.2306"),
        ("Rua 1; L; L; 1, 2; 1000001", "'1000001' is no radius from 1 to 1000000 metres"),
        (
            f"Rua 1; L; L; contact: {'x' * 90}, +12",
            f"{' ' + 'x' * 79!r} is no contact such as Loja Kianda, +244222333444",
        ),
    ],
)
def test_who_writes_no_place_is_told_what_is_one(text: str, told: str) -> None:
    with pytest.raises(PageLimitsError, match=f"^{re.escape(told)}$"):
        read_place(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("*; L; P; 90, 180; 1", PickupPlace("L", "P", None, 90, 180, 1)),
        ("*; L; P; -90, -180; 1000000", PickupPlace("L", "P", None, -90, -180, 1_000_000)),
        (" a ; L;P ; 0,0", PickupPlace("L", "P", "a", 0, 0, 150)),
        ("*; L; P; CONTACT: Loja", PickupPlace("L", "P", contact="Loja")),
        ("*; L; P; contact: + 244 (222) 333-444", PickupPlace("L", "P", phone="+244222333444")),
    ],
)
def test_a_place_is_read_to_its_bounds(text: str, place: PickupPlace) -> None:
    assert read_place(text) == place


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"pickups": (_PLACE,) * 51}, "a key has at most 50 pickup places"),
        ({"methods": ()}, "at least one way to pay must be left"),
        ({"highest_cash": -1}, f"the highest cash must be from 0 to {2**53 - 1}, not -1"),
        ({"highest_cash": 2**53}, f"the highest cash must be from 0 to {2**53 - 1}, not {2**53}"),
        ({"per_hour": 0}, "the deliveries an hour must be from 1 to 100000, not 0"),
        (
            {"per_hour_from_address": 100_001},
            "those of one address must be from 1 to 100000, not 100001",
        ),
    ],
)
def test_limits_have_bounds_themselves(changes: dict[str, object], told: str) -> None:
    with pytest.raises(PageLimitsError, match=f"^{re.escape(told)}$"):
        checked(replace(PageLimits(), **changes))


@pytest.mark.parametrize(
    "limits",
    [
        PageLimits(pickups=(_PLACE,) * 50),
        PageLimits(highest_cash=0, per_hour=1, per_hour_from_address=1),
        PageLimits(highest_cash=2**53 - 1, per_hour=100_000, per_hour_from_address=100_000),
    ],
)
def test_limits_may_be_as_wide_and_as_narrow_as_their_bounds(limits: PageLimits) -> None:
    assert checked(limits) == limits


_TIMES = st.lists(st.integers(0, 3 * 3600), min_size=1, max_size=60).map(sorted)


@given(seconds=_TIMES, limit=st.integers(1, 9))
def test_no_hour_has_more_than_its_limit_and_nobody_waits_for_longer_than_that_and_a_slice(
    seconds: list[int], limit: int
) -> None:
    tally, made = OrderTally(), list[datetime]()
    for second in seconds:
        now = _NOW + timedelta(seconds=second)
        tally = tally.at(now)
        wait = timedelta(seconds=tally.wait(limit, now))
        assert wait <= timedelta(hours=1) + SLICE
        if wait:
            assert tally.at(now + wait).wait(limit, now + wait) == 0
            assert len([at for at in made if at > now - timedelta(hours=1) - SLICE]) >= limit
        else:
            tally = tally.plus_one()
            made.append(now)
            assert len([at for at in made if at > now - timedelta(hours=1)]) <= limit


def test_the_hour_of_an_address_is_told_before_the_hour_of_all() -> None:
    limits = PageLimits(per_hour=1, per_hour_from_address=1)
    none, one = OrderTally().at(_NOW), OrderTally().at(_NOW).plus_one()
    assert hour_refusal(limits, none, none, _NOW) is None
    of_address = hour_refusal(limits, one, one, _NOW)
    wait = one.wait(1, _NOW)
    assert isinstance(wait, int)
    assert 0 < wait <= 3600 + SLICE.total_seconds()
    just_before = _NOW + timedelta(seconds=wait - 0.3)
    assert one.at(just_before).wait(1, just_before) == 1
    assert of_address == HourIsFull(True, wait)
    assert hour_refusal(limits, one, none, _NOW) == HourIsFull(False, wait)


def test_a_clock_that_goes_back_forgets_nothing() -> None:
    tally = OrderTally().at(_NOW).plus_one()
    assert tally.at(_NOW - timedelta(minutes=30)).wait(1, _NOW - timedelta(minutes=30)) > 0


def test_a_household_is_one_source_whatever_its_addresses() -> None:
    assert source_of(_KEY, "2001:db8::1") == source_of(_KEY, "2001:db8::ffff")
    assert source_of(_KEY, "2001:db8::1") != source_of(_KEY, "2001:db8:0:1::1")
    assert source_of(_KEY, "203.0.113.1") == source_of(_KEY, "::ffff:203.0.113.1")
    assert source_of(_KEY, "203.0.113.1") != source_of(_KEY, "203.0.113.2")
    assert source_of(_KEY, "203.0.113.1") != source_of(UUID(int=8), "203.0.113.1")
    assert source_of(_KEY, None) == source_of(_KEY, "unknown")
    assert len(source_of(_KEY, "203.0.113.1")) == 16
