"""What an answer says in its first line, however badly the rest is written."""

import pytest

from estafette.webhooks.heads import Said, said


@pytest.mark.parametrize(
    ("start", "told"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", Said(200, None)),
        (b"\r\n\n\rHTTP/1.1 200 OK\r\n\r\n", Said(200, None)),
        (b"http/1.0 503\nRetry-After : 5 \n\n", Said(503, "5")),
        (b"HTTP/1.1 503 x\r\nretry-after:9\r\n", Said(503, "9")),  # its head has not ended yet
        (b"HTTP/1.1 503 x\r\n\r\nRetry-After: 9\r\n", Said(503, None)),  # its body says so
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 \r\nRetry-After: 5\r\n\r\n", Said(204, "5")),
        (b"HTTP/1.1 100 Go\r\nRetry-After: 1\r\n\r\nHTTP/1.1 429 x\r\n\r\n", Said(429, None)),
        (b"HTTP/1.1 101 Switching\r\n\r\n", Said(101, None)),
        (b"HTTP/1.1 199 x\r\n\r\nHTTP/1.1 200 x\r\n\r\n", Said(200, None)),
        (b"HTTP/1.1 999 x\r\n", Said(999, None)),
    ],
)
def test_a_status_and_a_wish_to_wait_are_read(start: bytes, told: Said) -> None:
    assert said(start) == told


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"\r\n\r\n",
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 99 x\r\n\r\n",
        b"HTTP/1.1 099 x\r\n\r\n",
        b"HTTP/1.1 2000 x\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"SSH-2.0-x\r\n",
    ],
)
def test_what_is_no_answer_says_nothing(start: bytes) -> None:
    assert said(start) is None
