"""Do what a form asks for once, however often it is sent; keep what was typed in vain."""

import asyncio
import hashlib
import secrets
from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple
from uuid import UUID

import orjson

from estafette.store.people import forms
from estafette.store.people.forms import Draft, SentForm
from estafette.usecases.accounts.secrets import WrongSecretKeyError
from estafette.usecases.people.connect import reading
from estafette.usecases.platform import Platform

_WAIT_SECONDS = 10.0
_LOOK_SECONDS = 0.1

LONGEST_DRAFT = 100_000
"""How many bytes of a form are kept until its person has signed in again."""


LONGEST_ANSWER = 200_000
"""How many bytes of a page are kept for a minute, in case its form is sent again."""


class Shown(NamedTuple):
    """The page by which a form was answered, such as one with a secret that is shown once."""

    page: str
    headers: Mapping[str, str]


class Earlier(Enum):
    """What became of a form that was sent before, where that is no place to go to."""

    OTHER = "another form was sent under this token"
    SHOWN = "it was answered by a page that is not shown again"
    UNKNOWN = "it is not known whether it was done"


async def begin(
    platform: Platform, person_id: UUID, token: UUID, digest: bytes
) -> str | Shown | Earlier | None:
    """Notes that a person's form is being done; returns None, for the caller to do it.

    Where it was sent before it is not done again: returns the place where the first one ended,
    which is awaited for ten seconds, or why there is none. Where the first was answered by a page,
    that page is returned for a minute: a browser in which somebody clicks twice shows the second
    answer alone.
    """
    waited = 0.0
    while True:
        async with reading(platform) as connection:
            if await forms.begin(connection, person_id, token, digest):
                return None
            sent = await forms.find(connection, person_id, token)
        if sent is not None:
            if sent.place is not None and sent.digest != digest:
                return Earlier.OTHER
            if sent.place is not None and sent.answer is not None:
                return _opened(platform, sent, person_id, token) or Earlier.SHOWN
            if sent.place is not None:
                return sent.place
            if not sent.is_young or waited >= _WAIT_SECONDS:
                return Earlier.UNKNOWN
        waited += _LOOK_SECONDS
        await asyncio.sleep(_LOOK_SECONDS)


async def finish(
    platform: Platform, person_id: UUID, token: UUID, place: str, shown: Shown | None = None
) -> None:
    """Notes where a form has ended: a path that shows its result, or what was `shown` at once."""
    sealed = None if shown is None else b""
    if shown is not None and len(shown.page) <= LONGEST_ANSWER:
        text = orjson.dumps([shown.page, dict(shown.headers)]).decode()
        sealed = platform.cipher.encrypt(text, _answer(person_id, token))
    async with reading(platform) as connection:
        await forms.finish(connection, person_id, token, place, sealed)


def _opened(platform: Platform, sent: SentForm, person_id: UUID, token: UUID) -> Shown | None:
    """Returns the page that a form was answered by, while it may be shown again."""
    if not sent.answer or not sent.is_young:
        return None
    try:
        return Shown(*orjson.loads(platform.cipher.decrypt(sent.answer, _answer(person_id, token))))
    except WrongSecretKeyError:  # the key was changed within the minute
        return None


async def release(platform: Platform, person_id: UUID, token: UUID) -> None:
    """Forgets a form that was refused: corrected, it may be sent again."""
    async with reading(platform) as connection:
        await forms.release(connection, person_id, token)


class Typed(NamedTuple):
    """What a person had typed, and the path that it was sent to."""

    path: str
    fields: Mapping[str, tuple[str, ...]]


async def keep_draft(
    platform: Platform, person_id: UUID, path: str, fields: Mapping[str, tuple[str, ...]]
) -> str | None:
    """Keeps what was typed for an hour; returns a secret that opens it, for the browser to keep.

    Returns None where there is nothing, or too much, to keep.
    """
    body = orjson.dumps({name: list(values) for name, values in fields.items()})
    if not fields or len(body) > LONGEST_DRAFT:
        return None
    secret = secrets.token_urlsafe(32)
    sealed = platform.cipher.encrypt(body.decode(), _seal(person_id))
    async with reading(platform) as connection:
        await forms.keep_draft(connection, _hash(secret), Draft(person_id, path, sealed))
    return secret


async def find_draft(platform: Platform, person_id: UUID, secret: str) -> Typed | None:
    """Returns what this person had typed, and nobody else."""
    async with reading(platform) as connection:
        draft = await forms.find_draft(connection, _hash(secret))
    if draft is None or draft.person_id != person_id:
        return None
    try:
        body = platform.cipher.decrypt(draft.fields, _seal(person_id))
    except WrongSecretKeyError:  # the key was changed within the hour
        return None
    fields = {name: tuple(values) for name, values in orjson.loads(body).items()}
    return Typed(draft.path, fields)


async def drop_draft(platform: Platform, secret: str) -> None:
    """Forgets what was typed: it is done."""
    async with reading(platform) as connection:
        await forms.drop_draft(connection, _hash(secret))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def _answer(person_id: UUID, token: UUID) -> bytes:
    return b"answer to " + person_id.bytes + token.bytes


def _seal(person_id: UUID) -> bytes:
    return b"draft of " + person_id.bytes
