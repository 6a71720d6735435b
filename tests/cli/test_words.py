"""Ids on the command line, as any dialect shows them."""

from uuid import UUID

import pytest

from estafette.app import shown_event, shown_id
from estafette.cli.output import CommandError
from estafette.cli.words import identifier
from estafette.core.accounts.account import MARKETS

_ID = UUID("01a20270-73b6-7889-b60f-df5aad8f0b29")


@pytest.mark.parametrize("dialect", [market.dialect for market in MARKETS.values()])
def test_what_a_dialect_shows_names_what_it_shows(dialect: str) -> None:
    shown = [
        shown_id(dialect, _ID),
        shown_event(dialect, _ID),
        shown_event(dialect, _ID, 2),
        shown_event(dialect, _ID, is_test=True),
    ]
    assert {identifier(f" {text} ", "something") for text in [str(_ID), *shown]} == {_ID}


@pytest.mark.parametrize("text", ["", "evt_", "DLV-2026-00001", "dlv_" + "1" * 26, "_" + "a" * 26])
def test_what_no_dialect_shows_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="is not the id of a delivery"):
        identifier(text, "a delivery")
