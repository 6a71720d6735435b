"""Forms that people send: read within bounds, whichever of the two encodings a browser chose."""

import hashlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl
from uuid import UUID

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Receive, Scope

from estafette.http.refusals import BadBody
from estafette.http.request import BODY_SECONDS, header_values, read_body

FORM_LIMIT: Final = 256 * 1024
"""How long a form without files may be, in bytes."""

FIELD_LIMIT: Final = 64 * 1024
"""How long the value of one field may be, in bytes."""

MOST_FIELDS: Final = 500
MOST_FILES: Final = 4
_LONGEST_NAME: Final = 100
_LONGEST_FILE_NAME: Final = 200

ONCE: Final = "once"
"""The hidden field by which a form that is sent again is recognised; see `Visit.once`."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as a browser sent it; its name and media type are whatever the sender wrote."""

    name: str
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """What was typed into a form. `is_sent` is false where it was typed before and not yet done.

    The texts have no NUL, and lines end with a line feed alone.
    """

    fields: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: MappingProxyType(dict[str, tuple[str, ...]]())
    )
    files: Mapping[str, Upload] = field(
        default_factory=lambda: MappingProxyType(dict[str, Upload]())
    )
    is_sent: bool = False

    def value(self, name: str, otherwise: str = "") -> str:
        """Returns what was typed into a field, without spaces around it; of several the first."""
        found = self.fields.get(name)
        return found[0].strip() if found else otherwise

    def secret(self, name: str) -> str:
        """Returns what was typed into a field, exactly: spaces belong to a password."""
        found = self.fields.get(name)
        return found[0] if found else ""

    def values(self, name: str) -> tuple[str, ...]:
        """Returns all values of a field, such as those of boxes that were ticked."""
        return self.fields.get(name, ())

    def has(self, name: str) -> bool:
        """Returns whether a field was sent with something in it."""
        return bool(self.value(name))

    def file(self, name: str) -> Upload | None:
        """Returns the file that was chosen in a field, if one was."""
        return self.files.get(name)

    @property
    def token(self) -> UUID | None:
        """Its `once` token, None where there is none."""
        try:
            return UUID(self.value(ONCE))
        except ValueError:
            return None

    @property
    def digest(self) -> bytes:
        """A fingerprint of all that was sent."""
        said = hashlib.sha256()
        for name, values in sorted(self.fields.items()):
            said.update(repr((name, values)).encode("utf-8", "replace"))
        for name, file in sorted(self.files.items()):
            said.update(repr((name, file.name)).encode("utf-8", "replace"))
            said.update(hashlib.sha256(file.body).digest())
        return said.digest()


NO_FORM: Final = Form()


async def read_form(
    scope: Scope, receive: Receive, limit: int = FORM_LIMIT, seconds: float = BODY_SECONDS
) -> Form:
    """Returns the form in a request's body, which may be `limit` bytes long with its files.

    It may take so many `seconds` to arrive.

    Raises BodyTooLarge, EncodedBody, Disconnected, and BadBody for what is no form or holds more
    fields than any form of ours.
    """
    body = await read_body(scope, receive, limit, body_seconds=seconds)
    if not body:
        return Form(is_sent=True)
    written = header_values(scope, b"content-type")
    kind = written[0].split(b";")[0].strip().lower() if len(written) == 1 else b""
    if kind == b"application/x-www-form-urlencoded":
        return _form(_urlencoded(body), {})
    if kind == b"multipart/form-data":
        return await _multipart(scope, body)
    raise BadBody("is not a form")


def _urlencoded(body: bytes) -> list[tuple[str, str]]:
    try:
        text = body.decode("ascii")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise BadBody("is not a form, or has too many fields") from None


async def _multipart(scope: Scope, body: bytes) -> Form:
    if b"charset" in header_values(scope, b"content-type")[0].lower():
        raise BadBody("has a character set")  # browsers name none; some of Python's are slow

    async def whole() -> AsyncGenerator[bytes]:
        yield body

    parser = MultiPartParser(
        Headers(scope=scope),
        whole(),
        max_files=MOST_FILES,
        max_fields=MOST_FIELDS,
        max_part_size=FIELD_LIMIT,
    )
    parser.spool_max_size = len(body)  # it is in memory already: no file is made of it
    try:
        found = await parser.parse()
    except (MultiPartException, UnicodeDecodeError, LookupError):
        raise BadBody("is not a form, or has too many fields") from None
    fields: list[tuple[str, str]] = []
    files: dict[str, Upload] = {}
    for name, value in found.multi_items():
        if isinstance(value, UploadFile):
            file_name = _clean(value.filename or "")[:_LONGEST_FILE_NAME]
            content = await value.read()
            await value.close()
            if file_name or content:  # a field in which no file was chosen is sent as an empty one
                files[name[:_LONGEST_NAME]] = Upload(file_name, value.content_type or "", content)
        else:
            fields.append((name, value))
    return _form(fields, files)


def _form(pairs: list[tuple[str, str]], files: dict[str, Upload]) -> Form:
    fields: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        if len(name) > _LONGEST_NAME or len(value.encode("utf-8", "replace")) > FIELD_LIMIT:
            raise BadBody("has a field that is too long")
        fields[name] = (*fields.get(name, ()), _clean(value))
    return Form(MappingProxyType(fields), MappingProxyType(files), is_sent=True)


def _clean(text: str) -> str:
    """Returns the text as it can be stored and compared: no NUL, no halves of characters."""
    whole = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "�")
    return whole.encode("utf-8", "replace").decode()
