"""Writes texts into a file of this machine, which only its owner may read, instead of sending."""

import asyncio
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import orjson

from estafette.notifications.sending import NotSentError, Outgoing
from estafette.terminal import escaped

MOST_BYTES: Final = 1_000_000
"""At this size, in bytes, the file replaces the previous one, and a new one begins."""


class FileSender:
    """Writes each text as a line of JSON into `path`. One previous file is kept (`.1`)."""

    def __init__(self, path: Path) -> None:
        """Will make the file and its folder when the first text is sent."""
        self._path = path

    async def send(self, outgoing: Outgoing) -> None:
        """Writes a text. Raises NotSentError where the file cannot be written."""
        line = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "to": outgoing.to,
            **({} if outgoing.subject is None else {"subject": outgoing.subject}),
            "text": outgoing.text,
        }
        try:
            await asyncio.to_thread(self._write, escaped(orjson.dumps(line).decode()) + "\n")
        except OSError as error:
            raise NotSentError(f"the file cannot be written ({type(error).__name__})") from error

    def _write(self, line: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            if self._path.stat().st_size >= MOST_BYTES:
                self._path.replace(self._path.with_name(self._path.name + ".1"))
        # One write to a file opened for appending: lines of processes are not mixed.
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)
