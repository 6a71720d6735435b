"""What is hardly HTTP any more, whatever the dialect: refused in its shape, nothing stored."""

import json

from tests.target import Target
from tests.wire import request, wire


def _lines(*lines: bytes) -> bytes:
    return b"\r\n".join([*lines, b"", b""])


async def _hidden(target: Target) -> bytes:
    """A good request that creates a delivery, to be hidden in another."""
    body = json.dumps(await target.tenant.body()).encode()
    key = target.edge.authorize(target.tenant.key)
    return request("POST", target.edge.create_path, key, body)


_LAST = _lines(b"GET /healthz HTTP/1.1", b"Host: x", b"Connection: close")


async def test_heads_that_are_none_are_refused_in_the_dialects_shape(target: Target) -> None:
    path = target.edge.create_path.encode()
    post, host = b"POST " + path + b" HTTP/1.1", b"Host: x"
    heads = (
        _lines(post, host, b"Idempotency-Key: a\x00b"),
        _lines(post, host, b"Idempotency-Key: a\x01b"),
        _lines(post, host, b"bad header: 1"),
        _lines(post, host, b"Bad\x00Header: 1"),
        _lines(post, host, b"no colon"),
        _lines(post, host, b": nameless"),
        _lines(post, host, b"X: a\rb"),
        _lines(post, host, b"\xd0\x96: 1"),
        _lines(post, host, b"Content-Length: ten"),
        _lines(post, host, b"Content-Length: -1"),
        _lines(post, host, b"Content-Length: 99999999999999999999999"),
        _lines(post, host, b"Content-Length: 1, 2"),
        _lines(post, host, b"Content-Length: 1", b"Content-Length: 2"),
        _lines(post, host, b"Content-Length : 1"),
        _lines(post, host, b"Transfer-Encoding: chunked") + b"zz\r\n",
        _lines(post, host, b"Transfer-Encoding: chunked") + b"-1\r\n",
        _lines(post, host, b"Transfer-Encoding: chunked") + b"FFFFFFFFFFFFFFFFFF\r\n",
        _lines(post, host, b"Transfer-Encoding: chunked") + b"2\r\n{}x\r\n0\r\n\r\n",
        _lines(b"POST " + path + b" HTTP/9.9", host),
        _lines(b"POST " + path + b" HTTP/1.1 HTTP/1.1", host),
        _lines(b"POST " + path + b" SMTP/1.0", host),
        _lines(b"POST " + path + b"\xd0\x96 HTTP/1.1", host),
        _lines(b"POST " + path + b"\x00 HTTP/1.1", host),
        _lines(b"P\x00ST " + path + b" HTTP/1.1", host),
    )
    async with target.nothing_stored():
        for head in heads:
            (answer,) = await target.talk(head)
            target.refused(answer, 400, why=head)


async def test_other_protocols_are_refused(target: Target) -> None:
    async with target.nothing_stored():
        for greeting in (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 300,
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"SSH-2.0-OpenSSH_9.6\r\n",
            b"EHLO x\r\n",
            b"\x00\xff\xfe\r\n\r\n",
        ):
            answers = await target.talk(greeting + b"\r\n\r\n")
            assert [answer.status for answer in answers] == [400]


async def test_upgrades_are_not_taken_and_requests_are_answered(target: Target) -> None:
    get = request("GET", target.edge.list.path, target.edge.authorize(target.tenant.key))
    for upgrade in (b"websocket", b"h2c", b"TLS/1.3, HTTP/2.0"):
        offer = _lines(
            b"Host: x",
            b"Connection: Upgrade, HTTP2-Settings",
            b"Upgrade: " + upgrade,
            b"HTTP2-Settings: AAMAAABkAAQAAP__",
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            b"Sec-WebSocket-Version: 13",
        )[:-2]
        post, plain = await _hidden(target), await _hidden(target)
        offers = [each.replace(b"Host: x\r\n", offer) for each in (get, post)]
        created = target.edge.created_status
        answers = await target.talk(b"".join([*offers, plain, get]) + _LAST)
        assert [answer.status for answer in answers] == [200, created, created, 200, 200]
        async with wire(target.server.port) as connection:  # and in small parts
            for byte in (await _hidden(target)).replace(b"Host: x\r\n", offer):
                connection.send(bytes([byte]))
                await connection.sent()
            answer = await connection.answer()
            assert answer is not None
            assert answer.status == created


async def test_requests_cannot_be_hidden_in_others(target: Target) -> None:
    hidden = await _hidden(target)
    post, host = b"POST " + target.edge.create_path.encode() + b" HTTP/1.1", b"Host: x"
    chunked, length = b"Transfer-Encoding: chunked", b"Content-Length: %d" % len(hidden)
    chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(hidden), hidden)
    outer = (
        # both lengths: whichever is believed, the other reader sees another request
        _lines(post, host, chunked, b"Content-Length: 5") + b"0\r\n\r\n" + hidden,
        _lines(post, host, b"Content-Length: 5", chunked) + b"0\r\n\r\n" + hidden,
        _lines(post, host, chunked, length) + hidden,
        _lines(post, host, b"Transfer-Encoding : chunked", length) + hidden,
        _lines(post, host, b"Transfer-Encoding\t: chunked", length) + hidden,
        _lines(post, host, b"X: 1", b" Transfer-Encoding: chunked", length) + hidden,
        # codings that are not quite chunked
        _lines(post, host, b"Transfer-Encoding: xchunked", length) + hidden,
        _lines(post, host, b"Transfer-Encoding: chunked, identity", length) + hidden,
        _lines(post, host, b"Transfer-Encoding: identity", length) + hidden,
        _lines(post, host, b"Transfer-Encoding: \x0bchunked", length) + hidden,
        _lines(post, host, b"Transfer-Encoding: 'chunked'", length) + hidden,
        _lines(post, host, b"Transfer-Encoding: chunked", b"Transfer-Encoding: x") + hidden,
        _lines(post, host, b"Transfer-Encoding: x") + hidden,
        # lengths that are read in different ways
        _lines(post, host, b"Content-Length: 0", length) + hidden,
        _lines(post, host, length, b"Content-Length: 0") + hidden,
        _lines(post, host, b"Content-Length: 0, %d" % len(hidden)) + hidden,
        _lines(post, host, b"Content-Length: +0") + hidden,
        _lines(post, host, b"Content-Length: 0x0") + hidden,
        _lines(post, host, b"Content-Length: \x0b0") + hidden,
        _lines(post, host, b"Content-Length: 0 0") + hidden,
        # the hidden one as a body, as it should be
        _lines(post, host, length) + hidden,
        _lines(post, host, chunked) + chunk,
        _lines(b"GET " + target.edge.list.path.encode() + b" HTTP/1.1", host, length) + hidden,
        # chunks that are read in different ways
        _lines(post, host, chunked) + b"0x0\r\n\r\n" + hidden,
        _lines(post, host, chunked) + b" 0\r\n\r\n" + hidden,
        _lines(post, host, chunked) + b"0_0\r\n\r\n" + hidden,
        _lines(post, host, chunked) + b"\r\n0\r\n\r\n" + hidden,
        _lines(post, host, chunked) + b"2\r\n{}0\r\n\r\n" + hidden,
        # line ends that are none
        _lines(post, host, b"X: 1\r\rContent-Length: 0") + hidden,
        _lines(post, host, b"X: 1\rTransfer-Encoding: chunked", length) + hidden,
        _lines(post, host, length, b"X: 1\n\nGET / HTTP/1.1") + hidden,
        _lines(post + b"\x0b", host, length) + hidden,
        _lines(b"POST " + target.edge.create_path.encode(), host) + hidden,
        # no request body belongs to these, or the server is asked to hang up
        _lines(b"TRACE / HTTP/1.1", host, length) + hidden,
        _lines(b"CONNECT x:1 HTTP/1.1", host) + hidden,
        _lines(b"GET / HTTP/1.1", host, b"Connection: Upgrade", b"Upgrade: h2c", length) + hidden,
        _lines(b"GET /healthz HTTP/1.1", host, b"Connection: close") + hidden,
        _lines(b"GET /healthz HTTP/1.0", host) + hidden,
    )
    before = await target.rows()
    for data in outer:
        await target.talk(data + _LAST)
        assert await target.rows() == before, data.replace(hidden, b"<hidden>")


async def test_requests_one_after_the_other_are_all_answered(target: Target) -> None:
    good = [await _hidden(target) for _ in range(5)]
    answers = await target.talk(b"".join(good) + _LAST)
    assert [answer.status for answer in answers] == [target.edge.created_status] * 5 + [200]
    ids = {target.edge.id_of(answer.told) for answer in answers[:-1]}
    assert len(ids) == 5


async def test_floods_of_headers_are_cut_off(target: Target) -> None:
    path = target.edge.create_path
    key = target.edge.authorize(target.tenant.key)
    bounded = {**key, **{f"X-{number}": "x" for number in range(2_000)}}
    floods = (
        request("POST", path, {**key, "X-Long": "x" * 1_000_000}),
        request("POST", path, {**key, **{f"X-{number}": "x" for number in range(100_000)}}),
        request("POST", path, {**key, "x" * 1_000_000: "x"}),
        request("POST", f"{path}?{'x' * 1_000_000}", key),
    )
    async with target.nothing_stored():
        (answer,) = await target.talk(request("GET", target.edge.list.path, bounded, last=True))
        assert answer.status == 200
        for flood in floods:
            (answer,) = await target.talk(flood)
            target.refused(answer, 400, why=flood[:100])


async def test_trailers_say_nothing(target: Target) -> None:
    body = json.dumps(await target.tenant.body()).encode()
    head = request("POST", target.edge.create_path, {"Transfer-Encoding": "chunked"})
    chunks = b"%x\r\n%s\r\n0\r\n" % (len(body), body)
    key = target.edge.authorize(target.tenant.key)
    trailers = [f"{name}: {value}".encode() for name, value in key.items()]
    async with target.nothing_stored():
        async with wire(target.server.port) as connection:
            connection.send(head + chunks + _lines(*trailers))
            answer = await connection.answer()
        assert answer is not None
        target.refused(answer, 401)


async def test_floods_of_trailers_are_cut_off(target: Target) -> None:
    key = target.edge.authorize(target.tenant.key)
    head = request("POST", target.edge.create_path, {**key, "Transfer-Encoding": "chunked"})
    chunks = b"2\r\n{}\r\n0\r\n"
    async with target.nothing_stored():
        for flood in (b"X: " + b"x" * 1_000_000, b"X: x\r\n" * 200_000):
            (answer,) = await target.talk(head + chunks + flood)
            target.refused(answer, 400)
