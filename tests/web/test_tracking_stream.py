"""A stream of updates, byte by byte."""

import asyncio

from starlette.types import Message

from estafette.core.deliveries.delivery import Status
from estafette.http.events import event
from estafette.usecases.deliveries.tracking import TrackedDelivery
from estafette.web.tracking.stream import stream
from tests.web.tracking_samples import Shelf, delivery


class _Reader:
    """The other end of an answer: what it got, and its leaving."""

    def __init__(self) -> None:
        self.got = b""
        self.gone = asyncio.Event()
        self._more = asyncio.Event()

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.got += message.get("body", b"")
        self._more.set()

    async def until(self, expected: bytes) -> None:
        async with asyncio.timeout(60):
            while expected not in self.got:
                self._more.clear()
                await self._more.wait()


def test_an_event_keeps_the_line_breaks_of_its_data() -> None:
    assert event("update", "<p>\r\n</p>\n", id="7") == (
        b"event: update\nid: 7\ndata: <p>\ndata: </p>\n\n"
    )
    assert event("end", "") == b"event: end\ndata: \n\n"


async def test_what_only_time_changes_is_told_at_the_next_heartbeat() -> None:
    said = "today"

    def render(_: TrackedDelivery) -> tuple[str, str]:
        return said, said

    found = delivery(Status.ASSIGNED)
    watched = Shelf(found).watched()
    streamed = stream(watched, found, render, seen="today", headers={}, heartbeat=0.005)
    reader = _Reader()
    streaming = asyncio.create_task(streamed({"type": "http"}, reader.receive, reader.send))
    await reader.until(3 * b"event: pulse\ndata: 0.005\n\n")
    assert b"event: update" not in reader.got
    said = "yesterday"
    await reader.until(b"event: update\nid: yesterday\ndata: yesterday\n\n")
    reader.gone.set()
    await streaming
    assert watched.crowd.open_streams == 0


async def test_a_stream_that_is_cut_off_leaves_no_task() -> None:
    found = delivery(Status.ASSIGNED)
    watched = Shelf(found).watched()
    streamed = stream(watched, found, lambda _: ("now", "now"), seen=None, headers={})
    reader = _Reader()
    streaming = asyncio.create_task(streamed({"type": "http"}, reader.receive, reader.send))
    await reader.until(b"data: now")
    streaming.cancel()
    await asyncio.gather(streaming, return_exceptions=True)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert watched.crowd.open_streams == 0
