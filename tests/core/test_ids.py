"""Ids: made in order of time, and written so that each has one text."""

import base64
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import example, given
from hypothesis import strategies as st

from estafette.core.ids import first_id_of, from_base32, new_id, time_of, to_base32


def test_a_new_id_is_a_uuid_of_version_7_and_of_now() -> None:
    before = time.time_ns() // 1_000_000
    id = new_id()
    after = time.time_ns() // 1_000_000
    assert (id.version, id.variant) == (7, UUID(int=0x8 << 60).variant)
    assert before <= id.int >> 80 <= after


def test_new_ids_do_not_repeat_and_share_no_random_bits() -> None:
    ids = {new_id() for _ in range(10_000)}
    assert len({id.int & 2**62 - 1 for id in ids}) == 10_000


def test_each_of_the_74_random_bits_is_now_and_then_set_and_now_and_then_not() -> None:
    every = (1 << 76) - 1 & ~(0b11 << 62)
    ids = [new_id().int for _ in range(300)]
    ones, zeros = 0, 0
    for id in ids:
        ones, zeros = ones | id, zeros | ~id
    assert ones & zeros & every == every
    assert {id >> 76 & 0xF for id in ids} == {7}


@given(st.uuids())
def test_an_id_is_read_back_from_its_26_characters(id: UUID) -> None:
    text = to_base32(id)
    assert len(text) == 26
    assert text == text.lower()
    assert from_base32(text) == id


@given(st.uuids())
def test_an_id_is_written_as_rfc_4648_says(id: UUID) -> None:
    assert to_base32(id) == base64.b32encode(id.bytes).decode().rstrip("=").lower()


@given(st.text() | st.text("abcdefghijklmnopqrstuvwxyz234567=", min_size=24, max_size=28))
@example("a" * 25 + "b")  # bits beyond the id
@example("A" * 26)
@example("а" * 26)  # Cyrillic
@example("a" * 18 + "=" * 8)
def test_whatever_is_read_was_written_so(text: str) -> None:
    id = from_base32(text)
    assert id is None or to_base32(id) == text


_FORK = """
import os
from estafette.core.ids import new_id

new_id()  # others are drawn along with it
child = os.fork()
if child:
    os.waitpid(child, 0)
print(*(new_id() for _ in range(300)), flush=True)
"""


def test_processes_that_part_make_no_id_twice() -> None:
    ran = subprocess.run([sys.executable, "-c", _FORK], check=True, capture_output=True, text=True)
    random = {UUID(text).int & 2**62 - 1 for text in ran.stdout.split()}
    assert len(random) == 600


@given(st.datetimes(timezones=st.just(UTC)))
@example(datetime(1926, 12, 1, tzinfo=UTC))
@example(datetime(1, 1, 1, tzinfo=UTC))
@example(datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))
def test_there_is_a_first_id_of_every_time(moment: datetime) -> None:
    first = first_id_of(moment)
    now = datetime.now(UTC)
    if moment < now - timedelta(milliseconds=1):
        assert first <= new_id(now)
    elif moment > now:
        assert first > new_id(now)


@given(st.datetimes(datetime(1970, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - as it asks
@example(datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))
def test_an_id_tells_the_millisecond_that_it_was_made_at(moment: datetime) -> None:
    at = moment.replace(microsecond=moment.microsecond // 1_000 * 1_000)
    assert time_of(new_id(moment)) == time_of(first_id_of(moment)) == at


def test_an_id_that_tells_no_time_is_of_the_last_there_is() -> None:
    assert time_of(UUID(int=2**128 - 1)) == datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)


def test_the_first_id_of_a_time_before_all_ids_is_the_first_of_all() -> None:
    assert first_id_of(datetime(1969, 12, 31, tzinfo=UTC)) == UUID(int=0)
    assert first_id_of(datetime(1970, 1, 1, tzinfo=UTC)) == UUID(int=0)
