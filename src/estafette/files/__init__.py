"""Files that are kept beside the database: in a folder, or in a bucket of a store that speaks S3.

What is put is on the disk, or at the store, when `put` returns. Nobody lists, guesses or changes a
file: whoever keeps one remembers its path in the database.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from obstore.store import LocalStore, S3Store

__all__ = ["Bucket", "FilesUnavailableError", "Found", "KeptFiles", "read_bucket"]

_LISTED_AT_ONCE: Final = 1_000
_ANSWER_SECONDS: Final = 20
_CONNECT_SECONDS: Final = 5
_TRIES: Final = 2


class FilesUnavailableError(Exception):
    """The place of the files is away, full, or refuses us: it is not known what was done there."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of a store that speaks S3, and what opens it.

    `prefix` begins the path of each file there. `endpoint` is the store's address, None: Amazon's.
    Without a key, whatever the environment of the process offers is taken, as for every program of
    Amazon's.
    """

    name: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    key_id: str | None = None
    secret: str | None = None


def read_bucket(url: str) -> Bucket:
    """Returns the bucket of `s3://bucket/prefix`. Raises ValueError for anything else."""
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an address such as s3://bucket/prefix")
    if parts.port is not None or "@" in parts.netloc:
        raise ValueError("must be an address such as s3://bucket/prefix")
    return Bucket(parts.hostname, parts.path.strip("/"))


class Found(NamedTuple):
    """A file in a list, and when it was last written."""

    path: str
    written_at: datetime


class KeptFiles:
    """The files of one installation. Paths are made by us: letters, digits, `-`, `.` and `/`."""

    def __init__(self, place: Path | Bucket) -> None:
        """Keeps files in a folder, which is made with the first of them, or in a bucket."""
        self._place = place

    @cached_property
    def _store(self) -> "LocalStore | S3Store":
        from obstore.store import LocalStore, S3Store

        if isinstance(self._place, Path):
            self._place.mkdir(mode=0o700, parents=True, exist_ok=True)
            return LocalStore(self._place.absolute())
        bucket = self._place
        named: dict[str, Any] = {
            "endpoint": bucket.endpoint,
            "region": bucket.region or "us-east-1",
            "access_key_id": bucket.key_id,
            "secret_access_key": bucket.secret,
            "disable_bulk_delete": True,  # few other stores than Amazon's know it
        }
        return S3Store(
            bucket.name,
            prefix=bucket.prefix or None,
            client_options={
                "timeout": timedelta(seconds=_ANSWER_SECONDS),
                "connect_timeout": timedelta(seconds=_CONNECT_SECONDS),
                "allow_http": (bucket.endpoint or "").startswith("http://"),
            },
            retry_config={"max_retries": _TRIES},
            **{name: value for name, value in named.items() if value is not None},
        )

    async def put(self, path: str, body: bytes, media_type: str) -> None:
        """Keeps a file, whatever was there. It survives a loss of power from then on.

        Raises FilesUnavailableError.
        """
        from obstore.exceptions import BaseError

        in_folder = isinstance(self._place, Path)
        # A folder keeps nothing of a file but its bytes.
        attributes = None if in_folder else {"Content-Type": media_type}
        try:
            await self._store.put_async(path, body, attributes=attributes)
            if isinstance(self._place, Path):
                await asyncio.to_thread(_to_the_disk, self._place.absolute(), path)
        except (BaseError, OSError) as error:
            raise FilesUnavailableError(type(error).__name__) from error

    async def read(self, path: str) -> bytes | None:
        """Returns a file; None where there is none. Raises FilesUnavailableError."""
        from obstore.exceptions import BaseError

        try:
            found = await self._store.get_async(path)
            return bytes(await found.bytes_async())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise FilesUnavailableError(type(error).__name__) from error

    async def remove(self, paths: Sequence[str]) -> None:
        """Removes files; those that are gone already do no harm. Raises FilesUnavailableError."""
        from obstore.exceptions import BaseError

        for path in paths:
            try:
                await self._store.delete_async(path)
            except FileNotFoundError:
                continue
            except (BaseError, OSError) as error:
                raise FilesUnavailableError(type(error).__name__) from error

    async def each(self, folder: str) -> AsyncIterator[Sequence[Found]]:
        """Yields the files below a folder, a thousand at a time. Raises FilesUnavailableError."""
        from obstore.exceptions import BaseError

        try:
            pages = self._store.list(f"{folder}/", chunk_size=_LISTED_AT_ONCE)  # pyright: ignore[reportUnknownMemberType] - its other overload is of arro3, which we do not use
            async for page in pages:
                yield [Found(one["path"], one["last_modified"]) for one in page]
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise FilesUnavailableError(type(error).__name__) from error

    async def address(self, path: str, lasts: timedelta) -> str | None:
        """Returns where anybody can fetch a file for that long; None: we serve it ourselves."""
        if isinstance(self._place, Path):
            return None
        from obstore import sign_async
        from obstore.exceptions import BaseError
        from obstore.store import S3Store

        assert isinstance(self._store, S3Store)  # noqa: S101 - a bucket is opened as one
        try:
            return await sign_async(self._store, "GET", path, lasts)
        except (BaseError, OSError) as error:
            raise FilesUnavailableError(type(error).__name__) from error


def _to_the_disk(root: Path, path: str) -> None:
    """Waits until a file, and the folders that name it, are on the disk."""
    file = root / path
    for each in (file, *file.relative_to(root).parents):
        descriptor = os.open(root / each, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
