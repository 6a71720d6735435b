"""Forms that people sent, each once; and what was typed when a session was over."""

from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from estafette.store.old_rows import older
from estafette.store.pool import Connection


class SentForm(NamedTuple):
    """A form that was sent before: what of, where it ended, and whether it is still young.

    `place` is None while it is being done; of one that is not young it is not known then. `answer`
    is what it was answered, encrypted, where that was a page and no place: empty once it is gone.
    """

    digest: bytes
    place: str | None
    answer: bytes | None
    is_young: bool


MOST_SENT = 1_000
"""How many forms of a person are known at most; the oldest is forgotten for a further one."""

_BEGIN = """
with oldest as (
    delete from sent_forms where person_id = $1 and token in (
        select token from sent_forms where person_id = $1 order by sent_at desc offset $4
    )
)
insert into sent_forms (person_id, token, digest) values ($1, $2, $3)
on conflict (person_id, token) do nothing
"""

_FIND = """
select digest, place, answer, sent_at > now() - interval '1 minute' as is_young
from sent_forms where person_id = $1 and token = $2
"""


async def begin(connection: Connection, person_id: UUID, token: UUID, digest: bytes) -> bool:
    """Notes that a form is being done; False: it was sent before."""
    return (await connection.execute(_BEGIN, person_id, token, digest, MOST_SENT - 1)).endswith(
        " 1"
    )


async def find(connection: Connection, person_id: UUID, token: UUID) -> SentForm | None:
    """Returns the form that a person sent under a token."""
    row = await connection.fetchrow(_FIND, person_id, token)
    return None if row is None else SentForm(**row)


async def finish(
    connection: Connection, person_id: UUID, token: UUID, place: str, answer: bytes | None
) -> None:
    """Notes where a form has ended, and what it was answered, encrypted."""
    await connection.execute(
        "update sent_forms set place = $3, answer = $4 where person_id = $1 and token = $2",
        person_id,
        token,
        place,
        answer,
    )


async def release(connection: Connection, person_id: UUID, token: UUID) -> None:
    """Forgets a form that changed nothing, which may be corrected and sent again."""
    await connection.execute(
        "delete from sent_forms where person_id = $1 and token = $2 and place is null",
        person_id,
        token,
    )


class Draft(NamedTuple):
    """What a person had typed: the path it was sent to, and the fields, encrypted."""

    person_id: UUID
    path: str
    fields: bytes


MOST_DRAFTS = 5
"""How many drafts of a person are kept; the oldest goes for a further one."""

_KEEP = """
with others as (
    delete from form_drafts where token_hash in (
        select token_hash from form_drafts where person_id = $2 order by made_at desc offset $5
    )
)
insert into form_drafts (token_hash, person_id, path, fields) values ($1, $2, $3, $4)
"""

_READ = """
select person_id, path, fields from form_drafts
where token_hash = $1 and made_at > now() - interval '1 hour'
"""


async def keep_draft(connection: Connection, token_hash: bytes, draft: Draft) -> None:
    """Keeps a draft under the hash of a token that its browser has."""
    await connection.execute(_KEEP, token_hash, *draft, MOST_DRAFTS - 1)


async def find_draft(connection: Connection, token_hash: bytes) -> Draft | None:
    """Returns a draft that is no older than an hour."""
    row = await connection.fetchrow(_READ, token_hash)
    return None if row is None else Draft(**row)


async def drop_draft(connection: Connection, token_hash: bytes) -> None:
    """Removes a draft."""
    await connection.execute("delete from form_drafts where token_hash = $1", token_hash)


_FORGET_ANSWERS = """
update sent_forms set answer = '' where ctid = any(array(
    select ctid from sent_forms where answer <> '' and sent_at < now() - $1::interval limit $2
))
"""


async def forget_answers(connection: Connection, kept: timedelta, limit: int) -> int:
    """Empties the answers of forms that were sent so long ago; counts them."""
    status = await connection.execute(_FORGET_ANSWERS, kept, limit)
    return int(status.rpartition(" ")[2])


forget_sent: Final = older("sent_forms", "sent_at")
"""Removes those that were sent so long ago."""

forget_drafts: Final = older("form_drafts", "made_at")
"""Removes those that were made so long ago."""
