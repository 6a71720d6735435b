from typing import Any

import pytest

from estafette.core.accounts.branding import Branding, BrandingRefusedError
from estafette.core.notifications.notification import NotificationKind


@pytest.mark.parametrize(
    ("part", "value"),
    [
        *(("name", ""), ("name", " Altyn"), ("name", "x" * 61), ("name", "Altyn\nGida")),
        *(("name", "Al\u202etyn"), ("name", "https://evil.example"), ("name", "evil.com/pay")),
        *(("hours", "x" * 81), ("hours", "www.evil.example"), ("colour", "red")),
        *(("colour", "#FFF"), ("phone", "8 701 123"), ("phone", "+7701x"), ("language", "de")),
    ],
)
def test_a_part_that_recipients_must_not_see_is_refused_by_its_name(part: str, value: str) -> None:
    parts: dict[str, Any] = {part: value}
    with pytest.raises(BrandingRefusedError) as refused:
        Branding(**parts)
    assert refused.value.field == part


def test_what_is_told_has_a_sender() -> None:
    told = frozenset({NotificationKind.CREATED})
    with pytest.raises(BrandingRefusedError, match="name"):
        Branding(told=told)
    assert Branding(name="Алтын Дән & Co. №1", told=told).told == told
