import asyncio
import ipaddress
import socket
import ssl
import threading
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from estafette.webhooks.guard import DENIED_IPV4, DENIED_IPV6, Guard
from estafette.webhooks.resolver import MAX_ADDRESSES, ThreadResolver
from estafette.webhooks.sender import ExchangeOutcome, Request, Sender
from tests.receivers import Receiver, answer

LONGEST = 60.0  # only a test that fails waits so long
LOOPBACK = Guard(allow=[ipaddress.ip_network("127.0.0.1/32")])


class GivenAddresses(AbstractResolver):
    """Answers every lookup with the next of the given lists of addresses, then with the last."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.lookups = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        self.lookups += 1
        addresses = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in addresses
        ]

    async def close(self) -> None:
        pass


class NeverAnswers(GivenAddresses):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return await asyncio.get_running_loop().create_future()


class KnowsNothing(GivenAddresses):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        raise OSError(None, "DNS lookup of sekret.example failed")


def to(url: str, seconds: float = LONGEST) -> Request:
    return Request(url, {"Content-Type": "application/json"}, b"{}", seconds)


def certificates(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of a server that calls itself `name`, and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver of the tests")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "receiver.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=pem)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]", "localhost", "LOCALHOST"])
async def test_loopback_is_refused_at_the_dial(host: str):
    async with Receiver() as receiver, Sender(Guard()) as sender:
        result = await sender.send(to(receiver.url_for(host)))
    assert (result.outcome, result.transmissions) == (ExchangeOutcome.REFUSED_BY_GUARD, 0)
    assert result.error == "destination address is not allowed (loopback)"
    assert receiver.connections == 0


@pytest.mark.parametrize("host", ["2130706433", "0177.0.0.1", "0x7f.1", "127.1", "0", "127.0.0.1."])
async def test_loopback_in_disguise_is_refused(host: str):
    async with Receiver() as receiver, Sender(LOOPBACK) as sender:
        result = await sender.send(to(receiver.url_for(host)))
    assert result.outcome is ExchangeOutcome.REFUSED_BY_GUARD
    assert receiver.connections == 0


@pytest.mark.parametrize("block", [block for block, _ in DENIED_IPV4 + DENIED_IPV6])
async def test_a_denied_block_is_refused_as_literal_and_by_name(block: str):
    address = str(ipaddress.ip_network(block)[0])
    literal = f"[{address}]" if ":" in address else address
    async with Sender(Guard(), resolver=GivenAddresses([address, address])) as sender:
        for host in (literal, "name.example"):
            result = await sender.send(to(f"http://{host}/"))
            assert (result.outcome, result.transmissions) == (ExchangeOutcome.REFUSED_BY_GUARD, 0)


@pytest.mark.parametrize("url", ["ftp://example.com/", "http://u:p@127.0.0.1/", "nonsense", ""])
async def test_a_url_that_cannot_be_sent_to_is_refused(url: str):
    async with Sender(LOOPBACK) as sender:
        result = await sender.send(to(url))
    assert (result.outcome, result.transmissions) == (ExchangeOutcome.REFUSED_BY_GUARD, 0)


async def test_a_name_that_turns_to_a_denied_address_is_refused_at_the_dial():
    """Rebinding: an allowed address for the check, a denied one for the connection."""
    rebinding = GivenAddresses(["127.0.0.1"], ["127.0.0.2"])
    closing = answer(200, {"Connection": "close"})
    async with (
        Receiver(closing) as receiver,
        Sender(LOOPBACK, resolver=rebinding, keep_names_seconds=0) as sender,
    ):
        url = receiver.url_for("rebinding.example")
        assert (await sender.send(to(url))).outcome is ExchangeOutcome.DELIVERED
        assert (await sender.send(to(url))).outcome is ExchangeOutcome.REFUSED_BY_GUARD
    assert rebinding.lookups == 2


async def test_of_a_name_with_several_addresses_an_allowed_one_is_dialled():
    both = GivenAddresses(["127.0.0.2", "10.0.0.1", "127.0.0.1"])
    async with Receiver() as receiver, Sender(LOOPBACK, resolver=both) as sender:
        result = await sender.send(to(receiver.url_for("both.example")))
    assert (result.outcome, result.transmissions) == (ExchangeOutcome.DELIVERED, 1)


async def test_a_name_whose_addresses_are_all_denied_is_refused():
    denied = GivenAddresses(["127.0.0.2", "10.0.0.1", "fd00::1", "::1", "169.254.169.254"])
    async with Sender(LOOPBACK, resolver=denied) as sender:
        result = await sender.send(to("http://denied.example/"))
    assert result.outcome is ExchangeOutcome.REFUSED_BY_GUARD


async def test_a_name_that_does_not_resolve_is_unreachable():
    async with Sender(LOOPBACK, resolver=KnowsNothing([])) as sender:
        result = await sender.send(to("http://sekret.example/"))
    assert (result.outcome, result.error) == (
        ExchangeOutcome.UNREACHABLE,
        "the name does not resolve",
    )
    assert result.transmissions == 0


async def test_a_lookup_without_end_is_ended_by_the_timeout():
    async with Sender(LOOPBACK, resolver=NeverAnswers([])) as sender:
        result = await sender.send(to("http://slow.example/", 0.2))
    assert (result.outcome, result.transmissions) == (ExchangeOutcome.TIMED_OUT, 0)


async def test_slow_lookups_delay_no_other():
    """More of them than any thread pool of the event loop has threads."""
    released = threading.Event()

    def getaddrinfo(host: str, port: int, **_: Any) -> list[tuple[Any, Any, int, str, Any]]:
        if host.startswith("slow"):
            released.wait(LONGEST)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    resolver = ThreadResolver(slot_seconds=LONGEST, getaddrinfo=getaddrinfo)
    async with Receiver() as receiver, Sender(LOOPBACK, resolver=resolver) as sender:
        slow = [
            asyncio.create_task(sender.send(to(receiver.url_for(f"slow{number}.example"))))
            for number in range(50)
        ]
        result = await sender.send(to(receiver.url_for("quick.example")))
        assert result.outcome is ExchangeOutcome.DELIVERED
        assert len(receiver.requests) == 1
        released.set()
        assert {each.outcome for each in await asyncio.gather(*slow)} == {ExchangeOutcome.DELIVERED}


async def test_lookups_beyond_the_bound_wait_for_a_place():
    loop, two_are_under_way = asyncio.get_running_loop(), asyncio.Event()
    under_way: list[str] = []
    released = threading.Event()

    def getaddrinfo(host: str, port: int, **_: Any) -> list[tuple[Any, Any, int, str, Any]]:
        under_way.append(host)
        if len(under_way) == 2:
            loop.call_soon_threadsafe(two_are_under_way.set)
        released.wait(LONGEST)
        return []

    resolver = ThreadResolver(max_lookups=4, slot_seconds=LONGEST, getaddrinfo=getaddrinfo)
    lookups = [asyncio.create_task(resolver.resolve(str(number))) for number in range(5)]
    await two_are_under_way.wait()
    lookups[0].cancel()  # nobody waits for it any more, yet its thread still holds the place
    await asyncio.sleep(0)
    assert len(under_way) == 2
    released.set()
    await asyncio.gather(*lookups, return_exceptions=True)
    assert len(under_way) == 5


async def test_names_that_hang_leave_places_to_those_that_are_known():
    released = threading.Event()

    def getaddrinfo(host: str, port: int, **_: Any) -> list[tuple[Any, Any, int, str, Any]]:
        if host.startswith("slow"):
            released.wait(LONGEST)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    resolver = ThreadResolver(max_lookups=4, slot_seconds=LONGEST, getaddrinfo=getaddrinfo)
    await resolver.resolve("known.example")
    slow = [asyncio.create_task(resolver.resolve(f"slow{number}")) for number in range(50)]
    await asyncio.sleep(0)
    assert await resolver.resolve("known.example")
    assert not any(each.done() for each in slow)  # nor has any of those that wait given up
    released.set()
    await asyncio.gather(*slow, return_exceptions=True)


async def test_idle_connections_to_all_receivers_together_are_bounded():
    async with AsyncExitStack() as stack:
        receivers = [await stack.enter_async_context(Receiver()) for _ in range(12)]
        sender = await stack.enter_async_context(Sender(LOOPBACK, max_idle=5))
        for receiver in [*receivers, receivers[0]]:
            assert (await sender.send(to(receiver.url))).outcome is ExchangeOutcome.DELIVERED
        for receiver in receivers[5:]:
            await receiver.wait_until(lambda of=receiver: of.open_connections == 0)
        assert sum(receiver.open_connections for receiver in receivers) <= 5
        assert receivers[0].connections == 1


async def test_a_name_with_many_addresses_is_cut_to_a_few():
    def getaddrinfo(host: str, port: int, **_: Any) -> list[tuple[Any, Any, int, str, Any]]:
        return [(socket.AF_INET, 1, 6, "", (f"8.8.{n}.8", port)) for n in range(200)]

    assert len(await ThreadResolver(getaddrinfo=getaddrinfo).resolve("many")) == MAX_ADDRESSES


@pytest.mark.parametrize("name", ["a" * 64 + ".example", "\udcff.example"])
async def test_a_name_that_cannot_be_encoded_is_an_ordinary_failure(name: str):
    with pytest.raises(OSError, match="not a name"):
        await ThreadResolver().resolve(name)


async def test_a_trusted_certificate_of_the_right_name_is_accepted(tmp_path: Path):
    server, client = certificates(tmp_path, "receiver.example")
    resolver = GivenAddresses(["127.0.0.1"])
    async with (
        Receiver(tls=server) as receiver,
        Sender(LOOPBACK, resolver=resolver, ssl_context=client) as sender,
    ):
        result = await sender.send(to(receiver.url_for("receiver.example")))
    assert result.outcome is ExchangeOutcome.DELIVERED


async def test_a_certificate_of_another_name_is_refused(tmp_path: Path):
    server, client = certificates(tmp_path, "other.example")
    resolver = GivenAddresses(["127.0.0.1"])
    async with (
        Receiver(tls=server) as receiver,
        Sender(LOOPBACK, resolver=resolver, ssl_context=client) as sender,
    ):
        result = await sender.send(to(receiver.url_for("receiver.example")))
    assert (result.outcome, result.transmissions) == (ExchangeOutcome.UNREACHABLE, 0)
    assert (result.error or "").startswith("TLS certificate refused: Hostname mismatch")
    assert receiver.requests == []


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path):
    server, _ = certificates(tmp_path, "receiver.example")
    resolver = GivenAddresses(["127.0.0.1"])
    async with Receiver(tls=server) as receiver, Sender(LOOPBACK, resolver=resolver) as sender:
        result = await sender.send(to(receiver.url_for("receiver.example")))
    assert (result.outcome, result.transmissions) == (ExchangeOutcome.UNREACHABLE, 0)
    assert (result.error or "").startswith("TLS certificate refused: self")
    assert receiver.requests == []


async def test_tls_to_a_receiver_that_does_not_speak_it_is_unreachable():
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ready\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with Sender(LOOPBACK) as sender:
            result = await sender.send(to(f"https://127.0.0.1:{port}/"))
    assert (result.outcome, result.error) == (ExchangeOutcome.UNREACHABLE, "TLS handshake failed")
