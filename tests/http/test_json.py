"""JSON as requests may send it, and what is refused in it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estafette.http.refusals import BadBody
from estafette.http.strict_json import (
    DEPTH,
    EMPTY_FINGERPRINT,
    LONGEST_NUMBER,
    MOST_VALUES,
    decode,
    fingerprint,
)

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=10,
)


def _reason(body: bytes) -> str:
    with pytest.raises(BadBody) as refused:
        decode(body)
    return refused.value.reason


@given(_VALUES)
def test_what_json_can_say_is_read(value: object) -> None:
    assert decode(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "is empty"),
        (b" \r\n\t", "is empty"),
        (b"{", "is not JSON"),
        (b'{"a": 1,}', "is not JSON"),
        (b"{'a': 1}", "is not JSON"),
        (b'{"a": 1} {}', "is not JSON"),
        (b"a=1&b=2", "is not JSON"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", "is not JSON"),
        (b" \xef\xbb\xbf{}", "is not JSON"),
        (b'"\x00"', "is not JSON"),
        (b"\x00", "is not JSON"),
        (b'"a\nb"', "is not JSON"),
        (b"01", "is not JSON"),
        (b'"\xff"', "is not UTF-8"),
        (b'"\xed\xa0\x80"', "is not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "is not UTF-8"),
        (b"NaN", "contains NaN"),
        (b"[Infinity]", "contains Infinity"),
        (b"[-Infinity]", "contains -Infinity"),
        (b"[1e999]", "contains a number that is too large"),
        (b"[" + b"9" * 5000 + b"]", "contains a number that is too long"),
        (rb'["\u0000"]', "contains the character NUL"),
        (rb'{"a": {"b\u0000": 1}}', "contains the character NUL"),
        (rb'["\ud800"]', "contains half of a surrogate pair"),
        (rb'{"\udfff": 1}', "contains half of a surrogate pair"),
        (b'{"a": 1, "b": 2, "a": 1}', "contains the key 'a' twice"),
        (b'{"x": [{"a": 1, "\\u0061": 2}]}', "contains the key 'a' twice"),
    ],
)
def test_what_readers_understand_differently_is_refused(body: bytes, reason: str) -> None:
    assert _reason(body).startswith(reason)


def test_a_pair_of_escaped_surrogates_is_a_character() -> None:
    assert decode(rb'"\ud83d\ude00"') == "\N{GRINNING FACE}"


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    assert decode(rb'"\\u0000"') == r"\u0000"


def test_nesting_is_bounded() -> None:
    deepest = b"[" * DEPTH + b"]" * DEPTH
    assert decode(deepest) is not None
    assert "nested deeper" in _reason(b"[" + deepest + b"]")
    assert "nested deeper" in _reason(b'{"a":' * (DEPTH + 1) + b"1" + b"}" * (DEPTH + 1))
    assert "nested deeper" in _reason(b'{"a":[' * (DEPTH // 2) + b"[]" + b"]}" * (DEPTH // 2))
    assert "nested deeper" in _reason(b"[" * 4_000 + b"]" * 4_000)
    assert "more than" in _reason(b"[" * 100_000 + b"]" * 100_000)


def test_brackets_in_texts_are_no_nesting() -> None:
    text = '["[' + '"]' * 40
    assert decode(json.dumps({"a": [text, "\\", '\\"[']}).encode()) == {"a": [text, "\\", '\\"[']}


@pytest.mark.parametrize("value", [b"{}", b"1", b'""', b"[]", b'"\\"{"'])
def test_the_number_of_values_is_bounded(value: bytes) -> None:
    def array(count: int) -> bytes:
        return b"[" + b",".join([value] * count) + b"]"

    assert len(decode(array(MOST_VALUES // 2 - 1))) == MOST_VALUES // 2 - 1
    assert "more than" in _reason(array(MOST_VALUES))
    assert "more than" in _reason(b'{"unknown":' + array(MOST_VALUES) + b"}")


def test_16_kib_of_metadata_are_never_too_many_values() -> None:
    densest = b"[" + b",".join([b"1"] * 8_191) + b"]"
    assert len(decode(b'{"metadata":' + densest + b', "a": {"b": [1, 2]}}')["metadata"]) == 8_191
    commas = "," * (16 * 1024)
    assert decode(json.dumps({"a": commas}).encode()) == {"a": commas}


def test_a_key_twice_is_found_among_many_values_and_however_it_is_written() -> None:
    many = b",".join([b'{"a": "\\"\\\\"}'] * 2_000)
    assert "a key twice" in _reason(b"[" + many + b', {"a": 1, "a": {}}]')
    assert "the key 'a' twice" in _reason(b'[{"a": 18446744073709551616, "a": {}}]')
    assert "the key 'a' twice" in _reason(b'[{"a": {"b": "x"}, "c": "", "a": "\\u0416"}]')


def test_numbers_keep_what_they_are() -> None:
    numbers = "[1, 1.0, -0, -0.0, 1E2, 18446744073709551616, -9223372036854775809, 1e-999]"
    assert repr(decode(numbers.encode())) == repr(json.loads(numbers))
    longest = int("9" * LONGEST_NUMBER)
    assert decode(b"[" + str(longest).encode() + b"]") == [longest]
    assert "too long" in _reason(b"[1" + b"0" * LONGEST_NUMBER + b"]")
    digits = "1" * 5_000
    assert decode(json.dumps([digits, 2**70]).encode()) == [digits, 2**70]


def test_many_brackets_side_by_side_are_not_deep() -> None:
    body = b"[" + b",".join([b"[[]]"] * 200) + b"]"
    assert len(decode(body)) == 200


def test_fingerprint_sees_values_not_their_spelling() -> None:
    one = fingerprint(decode(b'{"a": 1, "b": [true, {"c": null, "d": "\\u0416"}]}'))
    other = fingerprint(decode('{ "b":[true,{"d":"Ж","c":null}],"a":1 }'.encode()))
    assert one == other


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"1", b"1.0"),
        (b"1", b'"1"'),
        (b"1", b"true"),
        (b"[1,2]", b"[2,1]"),
        (b"{}", b"[]"),
        (b"null", b"{}"),
        (b'{"a":null}', b"{}"),
        (b"18446744073709551616", b"18446744073709551616.0"),
        (b"18446744073709551616", b"18446744073709551617"),
        (b"-0.0", b"0"),
    ],
)
def test_fingerprint_tells_values_apart(one: bytes, other: bytes) -> None:
    assert fingerprint(decode(one)) != fingerprint(decode(other))


@given(_VALUES)
def test_no_value_has_the_fingerprint_of_an_empty_body(value: object) -> None:
    assert fingerprint(value) != EMPTY_FINGERPRINT
