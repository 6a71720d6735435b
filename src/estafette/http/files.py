"""The files that pages load: read when they are asked for, compressed as the browser accepts.

The build compresses the files that it fetches (`styles.css.br` and `.gz` beside `styles.css`). Our
own few files are compressed when they are first asked for.
"""

import gzip
import hashlib
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from importlib.resources.abc import Traversable

from starlette.types import Scope

from estafette.http.refusals import PathUnknown
from estafette.http.reply import NO_SNIFF, Header, HttpReply
from estafette.http.request import header_values

FOR_EVER = "public, max-age=31536000, immutable"

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_PACKED_ALREADY = (".png", ".woff2")
_LONGEST_PACKED_HERE = 512 * 1024
"""The greatest size, in bytes, of a file that is compressed while a request waits."""

_LONGEST_HEADER = 500
_ITEM = re.compile(
    rb"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:;\s*[qQ]\s*=\s*([01](?:\.\d{0,3})?))?\s*"
)


def accepted_encodings(scope: Scope) -> frozenset[bytes]:
    """Returns which of `br` and `gzip` a caller accepts (RFC 9110, 12.5.3)."""
    weights: dict[bytes, float] = {}
    for item in b",".join(header_values(scope, b"accept-encoding"))[:_LONGEST_HEADER].split(b","):
        found = _ITEM.fullmatch(item)
        if found is not None:
            weights[found[1].lower()] = float(found[2] or 1)
    others = weights.get(b"*", 0.0)
    return frozenset(each for each in (b"br", b"gzip") if weights.get(each, others) > 0)


class File:
    """A file that a page loads, with its compressed forms."""

    def __init__(self, found: Traversable, media_type: str, packed: Mapping[bytes, Traversable]):
        """Takes the file `found`; `packed` are its forms compressed by the build, by encoding."""
        self.media_type = media_type
        self._found = found
        self._packed = packed
        self._zipped: bytes | None = None

    @property
    def body(self) -> bytes:
        """The file without compression."""
        return self._found.read_bytes()

    def send(self, accepted: frozenset[bytes]) -> tuple[bytes | None, bytes]:
        """Returns the encoding and the bytes for a caller. The encoding None is no compression."""
        for encoding in (b"br", b"gzip"):
            if encoding in accepted and encoding in self._packed:
                return encoding, self._packed[encoding].read_bytes()
        if b"gzip" not in accepted or self._found.name.endswith(_PACKED_ALREADY):
            return None, self.body
        if self._zipped is None:
            body = self.body
            if len(body) > _LONGEST_PACKED_HERE:
                return None, body
            self._zipped = gzip.compress(body, 9, mtime=0)
        return b"gzip", self._zipped


class Files(Mapping[str, File]):
    """The files that a page loads, by name.

    `edition` changes when any of them changes. It is part of their address, so that browsers may
    keep them for ever.
    """

    def __init__(self, found: Iterable[Traversable]) -> None:
        """Takes those of the files `found` that exist and are of a kind that pages load."""
        self._files: dict[str, File] = {}
        every = {file.name: file for file in found if file.is_file()}
        for name, file in every.items():
            media_type = _MEDIA_TYPES.get(posixpath.splitext(name)[1])
            if media_type is not None:
                packed = {
                    encoding: every[name + ending]
                    for encoding, ending in ((b"br", ".br"), (b"gzip", ".gz"))
                    if name + ending in every
                }
                self._files[name] = File(file, media_type, packed)

    @cached_property
    def edition(self) -> str:
        """The edition. It is computed when the first page is made."""
        digest = hashlib.sha256()
        for file in self._files.values():
            digest.update(file.body)
        return digest.hexdigest()[:12]

    def __getitem__(self, name: str) -> File:
        """Returns the file of that name."""
        return self._files[name]

    def __iter__(self) -> Iterator[str]:
        """Returns the names."""
        return iter(self._files)

    def __len__(self) -> int:
        """Returns how many there are."""
        return len(self._files)

    def reply(self, scope: Scope, name: str, edition: str | None = None) -> HttpReply:
        """Returns the reply with the file of that name. Raises PathUnknown.

        Browsers may keep it for ever, except where another `edition` was asked for: during an
        update, a page of the version before does so.
        """
        file = self.get(name)
        if file is None:
            raise PathUnknown
        encoding, body = file.send(accepted_encodings(scope))
        keep = FOR_EVER if edition in (None, self.edition) else "no-store"
        headers: list[Header] = [
            (b"content-type", file.media_type.encode()),
            (b"cache-control", keep.encode()),
            (b"vary", b"accept-encoding"),
            NO_SNIFF,
        ]
        if encoding is not None:
            headers.append((b"content-encoding", encoding))
        return HttpReply(200, body, headers)
