"""Which web pages an account trusts."""

import re
import time

import pytest

from estafette.core.accounts.origin import OriginPatternError, read_pattern, trusts


@pytest.mark.parametrize(
    ("written", "pattern"),
    [
        ("https://loja.ao", "https://loja.ao"),
        (" HTTPS://Loja.AO/ ", "https://loja.ao"),
        ("https://loja.ao:443", "https://loja.ao"),
        ("http://loja.ao:80", "http://loja.ao"),
        ("http://loja.ao:443", "http://loja.ao:443"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("https://*.loja.ao", "https://*.loja.ao"),
        ("https://*.loja.ao:8443", "https://*.loja.ao:8443"),
        ("http://*.localhost:3000", "http://*.localhost:3000"),
        ("https://maçã.ao", "https://xn--ma-tiap.ao"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://[2001:DB8::A]", "http://[2001:db8::a]"),
    ],
)
def test_a_pattern_is_kept_as_browsers_write_origins(written: str, pattern: str) -> None:
    assert read_pattern(written) == pattern
    assert read_pattern(pattern) == pattern


@pytest.mark.parametrize(
    "written",
    [
        "",
        "*",
        "null",
        "loja.ao",
        "//loja.ao",
        "ftp://loja.ao",
        "file:///x",
        "https://",
        "https://*",
        "https://*.ao",
        "https://a*.loja.ao",
        "https://loja.*",
        "https://*.*.loja.ao",
        "https://*loja.ao",
        "https://loja.ao/checkout",
        "https://loja.ao?x=1",
        "https://loja.ao#x",
        "https://user@loja.ao",
        "https://loja.ao:port",
        "https://loja.ao:99999",
        "https://loja..ao",
        "https://.loja.ao",
        "https://lo ja.ao",
        "https://straße.ao",  # browsers write another domain than Python does
        "https://lo\u200dja.ao",
        "https://loja.ao, https://b.ao",
        "https://[::1",
        f"https://{'a' * 400}.ao",
    ],
)
def test_what_is_no_origin_is_refused(written: str) -> None:
    with pytest.raises(OriginPatternError):
        read_pattern(written)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("https://" + "a" * 293, "an origin is at most 300 characters long"),
        ("https://loja.ao:port", "'https://loja.ao:port' is not an origin such as https://loja.ao"),
        ("loja.ao", "'loja.ao' must begin with https:// or http://"),
        (
            "https://loja.ao/x",
            "'https://loja.ao/x' must be a scheme, a host and perhaps a port, no more",
        ),
        (
            "https://loja.*",
            "'https://loja.*' is not an origin such as https://loja.ao; * may stand for the first"
            " labels alone, as in https://*.loja.ao",
        ),
        (
            "https://user@loja.ao",
            "'https://user@loja.ao' must be a scheme, a host and perhaps a port, no more",
        ),
        ("https://*.ao", "'https://*.ao' would trust a whole top-level domain"),
    ],
)
def test_a_refused_pattern_is_told_what_is_wrong_with_it(written: str, told: str) -> None:
    with pytest.raises(OriginPatternError, match=f"^{re.escape(told)}$"):
        read_pattern(written)


def test_the_longest_pattern_is_read_and_trusts_the_longest_origin() -> None:
    longest = f"https://{'a' * 289}.ao"
    assert len(longest) == 300
    assert read_pattern(longest) == longest
    assert trusts((longest,), longest)
    longer = f"https://{'a' * 290}.ao"
    assert not trusts((longer,), longer)


TRUSTED = ("https://loja.ao", "https://*.loja.ao", "http://localhost:3000", "https://*.b.ao:8443")


@pytest.mark.parametrize(
    "origin",
    [
        "https://loja.ao",
        "https://checkout.loja.ao",
        "https://a.b-c.loja.ao",
        "https://xn--ma-eia2e.loja.ao",
        "http://localhost:3000",
        "https://x.b.ao:8443",
    ],
)
def test_origins_of_the_list_are_trusted(origin: str) -> None:
    assert trusts(TRUSTED, origin)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "*",
        "http://loja.ao",
        "http://checkout.loja.ao",
        "https://loja.ao:8443",
        "https://checkout.loja.ao:8443",
        "https://loja.ao.evil.example",
        "https://evilloja.ao",
        "https://loja.ao/",
        "https://.loja.ao",
        "https://a..loja.ao",
        "https://evil.example/.loja.ao",
        "https://evil.example?.loja.ao",
        "https://evil.example#.loja.ao",
        "https://evil.example:443.loja.ao",
        "https://user@x.loja.ao",
        "https://evil.example\\.loja.ao",
        "https://CHECKOUT.loja.ao",
        "https://checkout.loja.ao ",
        "https://checkout.loja.ao, https://loja.ao",
        "http://localhost",
        "http://localhost:3001",
        "https://b.ao:8443",
        "https://x.b.ao",
    ],
)
def test_nothing_else_is_trusted(origin: str) -> None:
    assert not trusts(TRUSTED, origin)


def test_a_pattern_is_no_origin() -> None:
    assert not trusts(TRUSTED, "https://*.loja.ao")


def test_patterns_are_looked_up_however_many_there_are() -> None:
    many = frozenset(f"https://*.shop{number}.ao" for number in range(200_000))
    began = time.process_time()
    for number in range(1_000):
        assert trusts(many, f"https://a.b.shop{number}.ao")
        assert not trusts(many, f"https://{'a.' * 100}evil{number}.example")
    assert time.process_time() - began < 10  # to go through all of them takes minutes


def test_who_trusts_nobody_trusts_nobody() -> None:
    assert not trusts((), "https://loja.ao")
