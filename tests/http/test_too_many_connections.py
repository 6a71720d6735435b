"""Who makes room, and who is told to come back, where there are too many connections."""

import pytest
from structlog.testing import capture_logs

from estafette.http.connections import ConnectionLimits
from tests.http.stage import GET, HOLD, LONGEST, staged
from tests.patience import until
from tests.wire import request, wire


async def test_the_longest_resting_connection_makes_room_for_another() -> None:
    async with (
        staged(ConnectionLimits(most=5)) as stage,
        stage.many(4, b"GET /hel") as slow,
        wire(stage.port) as working,
    ):
        working.send(HOLD)
        await stage.held(1)
        async with stage.many(3, GET) as others:
            for each in others:
                answer = await each.answer()
                assert answer is not None
                assert answer.status == 200
            assert stage.open == 5
            assert stage.ended("evicted") == 3
            assert [await each.answer() for each in slow[:3]] == [None] * 3
        stage.release.set()
        answer = await working.answer()
        assert answer is not None
        assert answer.status == 200  # what is under way is not disturbed


@pytest.mark.parametrize(
    ("limits", "status", "reason"),
    [
        (ConnectionLimits(most=3, refused=LONGEST), 503, "total"),
        (ConnectionLimits(each=3, refused=LONGEST), 429, "address"),
    ],
)
async def test_where_all_are_at_work_a_further_one_is_told_to_come_back(
    limits: ConnectionLimits, status: int, reason: str
) -> None:
    async with staged(limits) as stage, stage.many(3, HOLD):
        await stage.held(3)
        async with wire(stage.port) as further:
            further.send(request("POST", "/read", {}, b"body") + b"\x00 nonsense\r\n\r\n")
            answer = await further.answer()
            assert answer is not None
            assert (answer.status, answer.told) == (status, {"path": "/read", "status": status})
            assert answer.headers["retry-after"] == "1"
            assert answer.headers["x-request-id"]
            assert await further.answer() is None
        assert stage.ended(reason) == 1
        async with stage.many(60) as silent:  # no more are kept to be told than a few
            await until(lambda: stage.ended(reason) == 61)
            assert await silent[-1].answer() is None


async def test_a_trusted_proxy_may_have_any_number_of_connections() -> None:
    async with staged(ConnectionLimits(each=3), is_proxy=True) as stage, stage.many(6, HOLD):
        await stage.held(6)
        assert stage.ended("address") == 0


async def test_a_flood_is_logged_by_a_line_now_and_then() -> None:
    with capture_logs() as lines:
        async with staged(ConnectionLimits(most=3)) as stage:
            for _ in range(30):
                async with stage.many(3, GET) as some:
                    assert await some[-1].answer() is not None
            for _ in range(20):
                async with wire(stage.port) as connection:
                    connection.send(b"\x00 nonsense\r\n\r\n")
                    assert await connection.answer() is not None
            assert stage.ended("malformed") == 20
    told = [line for line in lines if line["event"] == "connections refused or cut off"]
    assert {line["reason"] for line in told} >= {"malformed"}
    assert all(line["client"] == "127.0.0.1" for line in told)
    assert len(told) <= 4
