"""What keys may do: scopes as people write them, networks, and what is refused."""

import re
from ipaddress import ip_network
from typing import Any

import pytest

from estafette.core.accounts import access
from estafette.core.accounts.account import MARKETS, Account, Credential, KeyKind, Mode
from estafette.core.accounts.acts import (
    ACT_OF,
    EVERY_ACT,
    PAGE_ACTS,
    Act,
    NetworkError,
    Operation,
    ScopeError,
    acts_text,
    is_within,
    read_acts,
    read_network,
)
from estafette.core.errors import ActRefused, AddressRefused
from estafette.core.ids import new_id


def _key(**rules: Any) -> Credential:
    account = Account(new_id(), "loja", MARKETS["AO"], "entrega", 10, 20)
    return Credential(account, new_id(), Mode.LIVE, KeyKind.SECRET, None, False, **rules)


def test_every_operation_is_an_act_and_every_act_has_an_operation() -> None:
    assert set(ACT_OF) == set(Operation)
    assert set(ACT_OF.values()) == set(Act)


@pytest.mark.parametrize("operation", Operation)
def test_a_key_does_what_its_acts_reach_and_nothing_else(operation: Operation) -> None:
    act = ACT_OF[operation]
    assert access.refusal(_key(acts=frozenset({act})), operation, None) is None
    others = EVERY_ACT - {act}
    told = tuple(each for each in Act if each in others)
    assert access.refusal(_key(acts=others), operation, None) == ActRefused(act, told)
    assert access.refusal(_key(acts=frozenset[Act]()), operation, None) == ActRefused(act, ())


def test_a_foreign_address_is_told_before_a_missing_scope() -> None:
    key = _key(acts=frozenset({Act.READ}), networks=(ip_network("203.0.113.0/24"),))
    assert access.refusal(key, Operation.CANCEL, "198.51.100.7") == AddressRefused("198.51.100.7")
    assert access.refusal(key, Operation.SHOW, None) == AddressRefused(None)
    assert access.refusal(key, Operation.SHOW, "203.0.113.9") is None


@pytest.mark.parametrize(
    ("text", "acts"),
    [
        ("full", EVERY_ACT),
        ("READ-ONLY", {Act.READ}),
        ("no-cancel", EVERY_ACT - {Act.CANCEL}),
        (" read , quote,create ", {Act.READ, Act.QUOTE, Act.CREATE}),
        ("test-webhooks", {Act.TEST_WEBHOOKS}),
    ],
)
def test_scopes_are_read_as_people_write_them(text: str, acts: frozenset[Act]) -> None:
    assert read_acts(text) == acts
    assert read_acts(acts_text(frozenset(acts))) == acts


@pytest.mark.parametrize("text", ["", ",", "all", "read,write", "full,read", "*", "read;quote"])
def test_what_is_no_scope_is_refused_and_the_scopes_are_named(text: str) -> None:
    told = (
        f"{text!r} is no scope: name one of full, read-only, no-cancel, or some of read, quote,"
        " create, cancel, confirm, test-webhooks, move with commas between"
    )
    with pytest.raises(ScopeError, match=f"^{re.escape(told)}$"):
        read_acts(text)


def test_the_acts_of_a_page_that_are_all_of_its_kind_are_called_full() -> None:
    assert acts_text(PAGE_ACTS, PAGE_ACTS) == "full"
    assert acts_text(frozenset({Act.QUOTE}), PAGE_ACTS) == "quote"
    assert acts_text(frozenset({Act.CREATE, Act.QUOTE})) == "quote,create"
    assert acts_text(frozenset()) == "nothing"


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("203.0.113.0/24", "203.0.113.0/24"),
        (" 203.0.113.9 ", "203.0.113.9/32"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("::1", "::1/128"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_networks_are_read_as_people_write_them(text: str, network: str) -> None:
    assert str(read_network(text)) == network


@pytest.mark.parametrize(
    "text", ["", "loja.ao", "203.0.113.9/24", "203.0.113.0/33", "203.0.113", "2001:db8::1/32", "/8"]
)
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(NetworkError):
        read_network(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "loja.ao",
            "'loja.ao' is not a network such as 203.0.113.0/24 or 2001:db8::/32, or an address",
        ),
        (
            "203.0.113.9/24",
            "'203.0.113.9/24' has bits beyond its prefix; 203.0.113.0/24 may be meant",
        ),
    ],
)
def test_who_writes_no_network_is_told_what_is_one(text: str, told: str) -> None:
    with pytest.raises(NetworkError, match=f"^{re.escape(told)}$"):
        read_network(text)


@pytest.mark.parametrize(
    ("address", "within"),
    [
        ("203.0.113.9", True),
        ("::ffff:203.0.113.9", True),
        ("203.0.114.9", False),
        ("2001:db8::9", True),
        ("fe80::1%eth0", False),
        ("203.0.113.9:80", False),
        ("unknown", False),
        ("", False),
        (None, False),
    ],
)
def test_an_address_is_within_a_network_however_it_is_written(
    address: str | None, within: bool
) -> None:
    networks = (ip_network("203.0.113.0/24"), ip_network("2001:db8::/32"))
    assert is_within(networks, address) is within
