"""Several applications in one, chosen by the host name or by the first part of the path."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from estafette.http.fallback import Words, plain_words
from estafette.http.trace import trace_of

_PREFIX = re.compile(r"/[a-z0-9-]{1,63}")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Mount:
    """Where an application is served: under a path prefix, or under a name before the host's own.

    `prefix` is one part of a path (`/delivery`). It applies under every host name that has no
    application of its own, and where `everywhere` is true under all host names, as for the files of
    pages. `host` is one part of a host name (`lisbon`): the application then has all paths of
    `lisbon.delivery.example`, where callers reach the server at `delivery.example`, and of
    `lisbon.localhost` on the machine itself.
    """

    prefix: str = ""
    host: str = ""
    everywhere: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError unless exactly one of the two is given, and well formed."""
        if bool(self.prefix) == bool(self.host):
            raise ValueError("an application is mounted by a prefix or by a host name, not by both")
        if self.prefix and not _PREFIX.fullmatch(self.prefix):
            raise ValueError(f"{self.prefix!r} is not one part of a path, such as /delivery")
        if self.host and not _LABEL.fullmatch(self.host):
            raise ValueError(f"{self.host!r} is not one part of a host name, such as lisbon")

    def url(self, server_url: str) -> str:
        """Returns the application's base URL on a server at `server_url`, without a last slash.

        A numeric address has no subdomains: such a server uses the host names of this machine.
        """
        if self.prefix:
            return server_url + self.prefix
        parts = urlsplit(server_url)
        port = "" if parts.port is None else f":{parts.port}"
        return f"{parts.scheme}://{self.host}.{_named(parts.hostname)}{port}"

    def hosts(self, server_url: str) -> frozenset[str]:
        """Returns the host names under which it is served; none for one with a prefix."""
        if not self.host:
            return frozenset()
        return frozenset(f"{self.host}.{at}" for at in (_named(_host_of(server_url)), _LOCAL))


_LOCAL = "localhost"


def _host_of(url: str) -> str | None:
    return urlsplit(url).hostname


def _named(host: str | None) -> str:
    """Returns the host where it is a name, else `localhost`."""
    try:
        ip_address(host or "")
    except ValueError:
        return host or _LOCAL
    return _LOCAL


class Mounted(NamedTuple):
    """An application, its mount, and what is answered in its place (http/fallback.py)."""

    mount: Mount
    application: ASGIApp
    words: Callable[[int], Words]


class Mounts:
    """Passes to each application all requests at its mount, the path `/prefix` alone included.

    Starlette's `Mount` ignores `/prefix` without a slash, and paths with a line feed in them; those
    would then not be refused in the shape of the API they belong to. A host name has precedence
    over a prefix: an application with a host name of its own has every path there, also one that is
    another's prefix, except the prefixes that are served `everywhere`.
    """

    def __init__(self, server_url: str, mounted: Iterable[Mounted], otherwise: ASGIApp) -> None:
        """Passes requests that belong to no mount to `otherwise`.

        Callers reach the server at `server_url`. Raises ValueError where two mounts are the same.
        """
        self._prefixes: dict[str, Mounted] = {}
        self._hosts: dict[str, Mounted] = {}
        self._everywhere: set[str] = set()
        self._otherwise = otherwise
        for one in mounted:
            if one.mount.everywhere:
                self._everywhere.add(one.mount.prefix)
            places = self._hosts if one.mount.host else self._prefixes
            for place in one.mount.hosts(server_url) or (one.mount.prefix,):
                if place in places:
                    raise ValueError(f"two applications are mounted at {place}")
                places[place] = one

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, its `root_path` lengthened by the prefix."""
        if scope["type"] != "http":
            await self._otherwise(scope, receive, send)
            return
        root: str = scope.get("root_path", "")
        path: str = scope["path"].removeprefix(root)
        first = _first_part(path)
        if self._hosts and first not in self._everywhere:
            named = self._hosts.get(host_of(scope["headers"]))
            if named is not None:
                trace_of(scope).base = f"//{named.mount.host}"
                await named.application(scope, receive, send)
                return
        owner = self._prefixes.get(first)
        if owner is None:
            await self._otherwise(scope, receive, send)
            return
        scope["app_root_path"] = scope.get("app_root_path", root)
        scope["root_path"] = root + owner.mount.prefix
        await owner.application(scope, receive, send)

    def fallback(self, host: str, path: str, status: int) -> Words:
        """Returns the fallback of the application that owns the path; see http/fallback.py."""
        owner = self._hosts.get(host) or self._prefixes.get(_first_part(path))
        return plain_words(status) if owner is None else owner.words(status)


def _first_part(path: str) -> str:
    return "/" + path[1:].partition("/")[0]


def host_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Returns a request's host name without its port, in lower case; "" for none or several."""
    named = [value for name, value in headers if name == b"host"]
    if len(named) != 1:
        return ""
    return named[0].decode("latin-1").partition(":")[0].rstrip(".").lower()
