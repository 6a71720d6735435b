"""What the page says of a delivery, and what it does not."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from estafette.core.accounts.branding import Branding
from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.windows import Window
from estafette.seeds.cities import cities_of
from estafette.usecases.deliveries.tracking import TrackedDelivery
from estafette.web.tracking import render, route
from estafette.web.tracking.render import Links
from estafette.web.tracking.texts import LANGUAGES
from estafette.web.tracking.view import TrackingView, present, readable_note
from tests.web.tracking_samples import NOW, advanced, delivery

LINKS = Links("/track", "dlv_abcdefghijklmnopqrstuvwxyz")


def _view(found: TrackedDelivery, code: str = "en") -> TrackingView:
    return present(found, LANGUAGES[code], NOW)


def _titles(found: TrackedDelivery) -> list[str]:
    return [step.title for day in _view(found).days for step in day.steps]


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("status", Status)
def test_every_status_is_told_in_every_language(status: Status, code: str) -> None:
    texts = LANGUAGES[code]
    html = render.page(_view(delivery(status), code), LINKS)
    assert f'<html lang="{code}" dir="ltr">' in html
    assert texts.statuses[status].headline in html
    assert texts.statuses[status].detail in html
    assert "Алматы" in html
    assert "Астана" in html


def test_languages_tell_different_things_of_every_status() -> None:
    for status in Status:
        headlines = {texts.statuses[status].headline for texts in LANGUAGES.values()}
        assert len(headlines) == len(LANGUAGES)


def test_cities_are_named_in_the_script_of_the_reader() -> None:
    found = replace(
        delivery(Status.IN_TRANSIT), pickup_city="Ust-Kamenogorsk", dropoff_city="Kianda"
    )
    named = {code: (v.origin, v.destination) for code in LANGUAGES for v in [_view(found, code)]}
    assert named == {
        "en": ("Ust-Kamenogorsk", "Kianda"),
        "kk": ("Өскемен", "Kianda"),
        "pt": ("Ust-Kamenogorsk", "Kianda"),
        "ru": ("Усть-Каменогорск", "Kianda"),
    }


@pytest.mark.parametrize("code", ["kk", "ru"])
def test_every_city_of_kazakhstan_has_a_name_in_cyrillic(code: str) -> None:
    cities = {city.name for city in cities_of("KZ")}
    assert set(LANGUAGES[code].cities) == cities
    for name in LANGUAGES[code].cities.values():
        assert not re.search("[A-Za-z]", name), name


@pytest.mark.parametrize("code", ["kk", "ru"])
def test_cyrillic_texts_hold_no_latin_letters(code: str) -> None:
    texts = LANGUAGES[code]
    words: list[str] = []
    for said in texts.page.model_dump().values():
        words += [said] if isinstance(said, str) else said
    words += [word for each in texts.statuses.values() for word in each.model_dump().values()]
    for word in words:
        assert not re.search("[A-Za-z]", re.sub(r"\{\w+\}", "", word)), word


def test_the_last_hours_before_the_deadline_are_told_while_the_promise_holds() -> None:
    promise = _view(delivery(Status.OUT_FOR_DELIVERY)).promise
    assert promise is not None
    assert promise.value == "Today 16:00–19:00"
    assert promise.iso == "2026-11-24T18:22:00+05:00"
    assert promise.remark is None
    assert not promise.is_late


def test_who_sends_and_brings_and_what_to_do_is_told_until_the_end() -> None:
    sender = Branding(name="Алтын <b>Дән</b>", phone="+77272223344", hours="9–18", colour="#ffcc00")
    facts = {"sender": sender, "carrier": "Express <Almaty>", "cash": 12_500, "asks_pin": True}
    html = render.page(_view(replace(delivery(Status.IN_TRANSIT), **facts)), LINKS)
    assert "Алтын &lt;b&gt;Дән&lt;/b&gt;" in html
    assert "Express &lt;Almaty&gt;" in html
    assert 'href="tel:+77272223344"' in html
    assert "12\u00a0500\u00a0₸" in html
    assert "A PIN will be asked" in html
    assert 'href="/track/colour/ffcc00.css"' in html
    over = render.page(_view(replace(delivery(Status.DELIVERED), **facts)), LINKS)
    assert "₸" not in over
    assert "A PIN will be asked" not in over
    assert "tel:" in over


def test_a_delivery_of_an_account_without_a_brand_says_nothing_of_a_sender() -> None:
    html = render.page(_view(delivery(Status.IN_TRANSIT)), LINKS)
    assert not re.search("tel:|Sent by|Brought by|/colour/|/logo/|PIN|in cash", html)


def test_what_others_wrote_in_a_brand_turns_no_direction() -> None:
    found = replace(delivery(Status.IN_TRANSIT), carrier="a\u202eb\nc")
    assert _view(found).carrier == "ab c"


def test_a_logo_stands_in_the_place_of_our_sign() -> None:
    found = replace(delivery(Status.IN_TRANSIT), sender=Branding(name="A"), logo="a" * 32)
    assert f'src="/track/logo/{"a" * 32}.webp"' in render.page(_view(found), LINKS)


def test_a_broken_promise_is_admitted() -> None:
    late = replace(delivery(Status.OUT_FOR_DELIVERY), deliver_by=NOW - timedelta(minutes=1))
    promise = _view(late).promise
    assert promise is not None
    assert promise.is_late
    assert promise.label == "Planned for"
    assert promise.remark == "taking longer than planned"


def test_a_delivered_parcel_tells_when_it_came() -> None:
    promise = _view(delivery(Status.DELIVERED)).promise
    assert promise is not None
    assert promise.value == "Today at\u00a013:40"


@pytest.mark.parametrize("status", [Status.AWAITING_PAYMENT, Status.CANCELLED, Status.FAILED])
def test_nothing_is_promised_that_may_not_come(status: Status) -> None:
    view = _view(delivery(status))
    assert view.promise is None
    assert view.pickup is None


def test_the_pickup_is_told_until_the_parcel_is_collected() -> None:
    assert _view(delivery(Status.ASSIGNED)).pickup is not None
    assert _view(delivery(Status.IN_TRANSIT)).pickup is None


def test_the_courier_moves_along_the_line_and_ends_at_the_city() -> None:
    course = [Status.PENDING, Status.ASSIGNED, Status.PICKUP_READY, Status.IN_TRANSIT,
              Status.OUT_FOR_DELIVERY, Status.DELIVERED]  # fmt: skip
    places = [_view(delivery(status)).courier for status in course]
    shares = [place.share for place in places if place is not None]
    assert shares == sorted(set(shares))
    assert places[0] == route.PlaceOnMap(0, 40.0, 118.0)
    assert places[-1] == route.PlaceOnMap(100, 350.0, 56.0)


def test_a_stalled_courier_stands_where_it_got_to() -> None:
    moving = delivery(Status.IN_TRANSIT)
    assert _view(advanced(moving, Status.STALLED)).courier == _view(moving).courier
    assert _view(advanced(moving, Status.FAILED)).courier == _view(moving).courier


def test_a_cancelled_delivery_has_no_courier_on_the_line() -> None:
    assert _view(delivery(Status.CANCELLED, None, Status.PENDING)).courier is None


def test_a_delivery_handed_back_looks_for_another_courier() -> None:
    back = delivery(Status.PENDING, None, Status.PENDING, Status.ASSIGNED)
    assert _view(back).headline == "We’re finding another courier"
    assert _titles(back) == ["Handed back by the courier", "Courier found", "Order received"]


def test_who_chose_another_time_is_not_told_that_the_courier_could_not_take_it() -> None:
    put_off = _rescheduled(delivery(Status.PENDING, None, Status.PENDING, Status.ASSIGNED), 3)
    assert _view(put_off).headline == "We’re finding a courier"
    assert _titles(put_off)[0] == "Another time was chosen"
    course = [Status.PENDING, Status.ASSIGNED] * 2
    back = _rescheduled(delivery(Status.PENDING, None, *course), 3)
    assert _view(back).headline == "We’re finding another courier"


def test_no_time_is_told_of_a_courier_who_comes_before_the_window() -> None:
    window = Window(NOW + timedelta(hours=18), NOW + timedelta(hours=22))
    on_board = replace(delivery(Status.IN_TRANSIT), window=window, deliver_by=window.end)
    promise = _view(on_board).promise
    assert promise is not None
    assert "Tomorrow" in promise.value
    near = advanced(on_board, Status.OUT_FOR_DELIVERY)
    assert _view(near).promise is None
    begun = replace(near, window=Window(NOW - timedelta(hours=1), window.end))
    assert _view(begun).promise is not None


def _rescheduled(found: TrackedDelivery, number: int) -> TrackedDelivery:
    steps = [replace(step, is_rescheduled=step.number == number) for step in found.steps]
    return replace(found, steps=tuple(steps))


def test_a_delivery_that_recovers_moves_again() -> None:
    stalled = advanced(delivery(Status.IN_TRANSIT), Status.STALLED)
    assert _titles(advanced(stalled, Status.IN_TRANSIT))[:3] == [
        "Moving again", "Delay", "Picked up",
    ]  # fmt: skip


def test_a_search_that_recovers_is_not_told_as_handed_back() -> None:
    searching = delivery(Status.PENDING, None, Status.PENDING, Status.STALLED)
    assert _titles(searching) == ["Moving again", "Delay", "Order received"]
    assert _view(searching).headline == "We’re finding a courier"


def test_steps_are_told_latest_first_by_days_of_the_market() -> None:
    found = delivery(Status.DELIVERED)
    overnight = replace(
        found,
        steps=(replace(found.steps[0], occurred_at=NOW - timedelta(hours=15)), *found.steps[1:]),
    )
    days = _view(overnight).days
    assert [day.name for day in days] == ["Today", "Yesterday"]
    assert days[0].steps[0].title == "Delivered"
    assert days[0].steps[0].clock == "13:40"
    assert days[1].steps[-1].clock == "23:40"


def test_the_note_of_the_latest_step_is_quoted() -> None:
    view = _view(delivery(Status.STALLED, "Жду открытия трассы"))
    assert view.note is not None
    assert view.note.note == "Жду открытия трассы"


def test_an_older_note_stays_with_its_step() -> None:
    view = _view(advanced(delivery(Status.STALLED, "Метель"), Status.IN_TRANSIT))
    assert view.note is None
    assert view.days[0].steps[1].note == "Метель"


def test_a_note_cannot_become_markup() -> None:
    hostile = '<script>alert(1)</script><img src=x onerror="alert(2)">&amp; "\' {{ 7*7 }}'
    html = render.page(_view(delivery(Status.IN_TRANSIT, hostile)), LINKS)
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "{{ 7*7 }}" in html


def test_a_city_cannot_become_markup() -> None:
    found = replace(delivery(Status.IN_TRANSIT), dropoff_city="<b>Астана\u202e\n</b>")
    html = render.page(_view(found), LINKS)
    assert "&lt;b&gt;Астана &lt;/b&gt;" in html


@pytest.mark.parametrize(
    ("note", "shown"),
    [
        ("Звоню: +7 701 234 56 78, выходите", "Звоню: •••, выходите"),
        ("8 (727) 258-11-22 не отвечает", "••• не отвечает"),
        ("8 701 234 56 78 8 701 234 56 79", "•••"),
        ("кв 12 8 701 234 56 78, в 18", "кв 12 •••, в 18"),
        ("٨٧٠١٢٣٤٥٦٧٨", "•••"),
        ("7 0 1 2 3 4 5 6 7 8", "•••"),
        ("+1 650 253 0000", "•••"),
        ("write to aigul@example.kz please", "write to ••• please"),
        ("pay at https://far.example/top-up?account=7 or (http://x)", "pay at ••• or (•••)"),
        ("Www.example.kz and bit.ly/2b, please", "••• and ••• please"),
        ("left at the door.He is away and/or asleep, 1.5/2 kg", None),
        ("Буду 24.11.2026 в 18:20, подъезд 3, код 1234", None),
        ("a\u202eb\u0000c\u200b\td", "abc d"),
        ("first\r\n\r\n\n  second", "first\n  second"),
    ],
)
def test_a_note_shows_no_contacts_and_no_tricks(note: str, shown: str | None) -> None:
    assert readable_note(note, "KZ") == (shown or note)


def test_a_note_full_of_numbers_shows_none_of_the_later_ones() -> None:
    shown = readable_note(", ".join(["12 34 56 78"] * 9), "KZ")
    assert shown is not None
    assert shown.endswith(", •••")


@pytest.mark.parametrize("note", [None, "", "  \n ", "\u200b\u0007"])
def test_an_empty_note_is_none(note: str | None) -> None:
    assert readable_note(note, "KZ") is None


def test_an_endless_note_is_cut() -> None:
    shown = readable_note("д" * 100_000, "KZ")
    assert shown is not None
    assert len(shown) == 400
    assert shown.endswith("…")


def test_the_page_holds_no_whole_id_outside_its_own_links() -> None:
    html = render.page(_view(delivery(Status.IN_TRANSIT)), LINKS)
    assert LINKS.public_id not in re.sub(
        r'(data-(page|events)|rel="manifest" href|<a href)="[^"]*"', "", html
    )
    assert "…uvwxyz" in html


def test_the_page_asks_nothing_of_other_hosts_and_holds_no_inline_code() -> None:
    for status in Status:
        html = render.page(_view(delivery(status, "note")), LINKS)
        assert not re.search(r"https?:|//\w", html)
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script>", html)


def test_without_cities_the_page_leaves_them_out() -> None:
    found = replace(delivery(Status.IN_TRANSIT), pickup_city=None, dropoff_city=" ")
    html = render.page(_view(found), LINKS)
    assert "<dl" not in html


def test_equal_pages_have_equal_fingerprints() -> None:
    found = delivery(Status.IN_TRANSIT)
    _, before = render.fragment(_view(found), LINKS)
    assert render.fragment(_view(found), LINKS)[1] == before
    assert render.fragment(_view(advanced(found, Status.STALLED)), LINKS)[1] != before
    assert render.fragment(_view(found, "kk"), LINKS)[1] != before
