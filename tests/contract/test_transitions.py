"""What each dialect shows of every life of a delivery, and where it lets it be cancelled.

The lives are those of `tests.core.life`, which knows the table of transitions in its own words.
"""

from collections import deque

import pytest

from estafette.core.deliveries.delivery import Status
from tests.core.life import Life
from tests.edges import Edge
from tests.serving import Server


def _lives() -> list[tuple[Status, ...]]:
    """The shortest way to everything that a delivery can be: status, milestone, before a stall."""
    ways: dict[tuple[str, ...], tuple[Status, ...]] = {}
    ahead = deque[tuple[str, ...]]([("pending",)])
    while ahead:
        been = ahead.popleft()
        life = Life(been[0])
        assert all(life.move(status) for status in been[1:])
        before_stall = been[-2] if life.status == "stalled" else ""
        point = (life.status, life.milestone, before_stall)
        if point not in ways:
            ways[point] = tuple(Status(status) for status in been[1:])
            ahead += [(*been, status) for status in sorted(life.allowed())]
    return list(ways.values())


LIVES = _lives()


def test_the_lives_reach_every_status() -> None:
    reached = {way[-1] for way in LIVES if way} | {Status.PENDING}
    assert reached == set(Status) - {Status.AWAITING_PAYMENT}


@pytest.mark.parametrize("way", LIVES, ids=lambda way: "-".join(way) or "pending")
async def test_a_delivery_is_shown_and_cancelled_as_its_dialect_says(
    edge: Edge, server: Server, way: tuple[Status, ...]
) -> None:
    tenant = await server.tenant(edge)
    id = await tenant.create()
    await tenant.move(id, *way)
    life = Life("pending")
    assert all(life.move(status.value) for status in way)
    status, milestone = Status(life.status), Status(life.milestone)

    async def shown() -> str:
        return edge.status_of(await tenant.ask(edge.get(id)))

    word = edge.shown(status, milestone)
    assert await shown() == word
    answer = await tenant.call(edge.cancel(id))
    if edge.may_cancel(status, milestone) and "cancelled" in life.allowed():
        assert answer.status == 200, answer.body
        word = edge.shown(Status.CANCELLED, Status.CANCELLED)
    else:
        assert answer.status == 409, answer.body
        edge.check_error(answer.status, answer.headers, answer.body)
    assert await shown() == word
