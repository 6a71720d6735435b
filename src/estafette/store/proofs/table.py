"""The proofs of deliveries: by delivery, in the order in which they came."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from estafette.core.accounts.account import Scope
from estafette.core.deliveries.delivery import Delivery
from estafette.core.point import Point
from estafette.core.proofs.proof import Picture, Proof, ProofKind, ProofStage
from estafette.store.columns import Columns, insertion, rows
from estafette.store.old_rows import older
from estafette.store.pool import Connection


class NewProof(NamedTuple):
    """A proof as it is written: whose it is, and a digest of all that was sent."""

    scope: Scope
    proof: Proof
    sent_digest: bytes


_NEW: Final = Columns[NewProof](
    {
        "account_id": ("uuid", lambda new: new.scope.account_id),
        "delivery_id": ("uuid", lambda new: new.proof.delivery_id),
        "id": ("uuid", lambda new: new.proof.id),
        "mode": ("text", lambda new: new.scope.mode),
        "kind": ("text", lambda new: new.proof.kind),
        "stage": ("text", lambda new: new.proof.stage),
        "said": ("text", lambda new: new.proof.said),
        "path": ("text", lambda new: new.proof.picture and new.proof.picture.path),
        "media_type": ("text", lambda new: new.proof.picture and new.proof.picture.media_type),
        "size": ("integer", lambda new: new.proof.picture and new.proof.picture.size),
        "sha256": ("bytea", lambda new: new.proof.picture and new.proof.picture.sha256),
        "sent_digest": ("bytea", lambda new: new.sent_digest),
        "latitude": ("double precision", lambda new: new.proof.at and new.proof.at.latitude),
        "longitude": ("double precision", lambda new: new.proof.at and new.proof.at.longitude),
        "metres": ("integer", lambda new: new.proof.metres),
        "driver_id": ("uuid", lambda new: new.proof.driver_id),
        "taken_at": ("timestamptz", lambda new: new.proof.taken_at),
        "received_at": ("timestamptz", lambda new: new.proof.received_at),
    }
)
_INSERT = insertion("proofs", _NEW.types, rows(_NEW))
_COLUMNS = (
    "id, delivery_id, kind, stage, said, path, media_type, size, sha256, latitude, longitude,"
    " metres, driver_id, taken_at, received_at"
)


async def insert(connection: Connection, new: Sequence[NewProof]) -> None:
    """Writes proofs of deliveries whose rows the caller has locked."""
    await connection.execute(_INSERT, *_NEW.of(new))


def _proof(row: asyncpg.Record) -> Proof:
    at = None if row["latitude"] is None else Point(row["latitude"], row["longitude"])
    picture = None
    if row["path"] is not None:
        picture = Picture(row["path"], row["media_type"], row["size"], row["sha256"])
    return Proof(
        id=row["id"],
        delivery_id=row["delivery_id"],
        kind=ProofKind(row["kind"]),
        stage=ProofStage(row["stage"]),
        taken_at=row["taken_at"],
        received_at=row["received_at"],
        said=row["said"],
        picture=picture,
        at=at,
        metres=row["metres"],
        driver_id=row["driver_id"],
    )


_OF_DELIVERY = f"""
select {_COLUMNS} from proofs where account_id = $1 and delivery_id = $2 and mode = $3
order by taken_at, id
"""  # noqa: S608 - the columns are a constant


async def of_delivery(connection: Connection, scope: Scope, delivery_id: UUID) -> list[Proof]:
    """The proofs of a delivery, the first taken first; there are few (`MOST_PROOFS`)."""
    found = await connection.fetch(_OF_DELIVERY, scope.account_id, delivery_id, scope.mode)
    return [_proof(row) for row in found]


class Shown(NamedTuple):
    """That a proof is there, and when it was taken."""

    delivery_id: UUID
    stage: ProofStage
    kind: ProofKind
    taken_at: datetime


_CARRIED_ON = """
select delivery_id, stage, kind, taken_at from proofs
join unnest($1::uuid[], $2::uuid[], $3::uuid[]) as wanted (account_id, delivery_id, company_id)
    using (account_id, delivery_id)
where not exists (
    select from assignments
    where assignments.company_id = wanted.company_id and assignments.account_id = wanted.account_id
    and assignments.delivery_id = wanted.delivery_id and state = 'accepted'
    and assignments.driver_id <> proofs.driver_id
)
"""


async def of_deliveries(connection: Connection, wanted: Collection[Delivery]) -> list[Shown]:
    """What was shown of deliveries, less what was shown by others than the driver who has each."""
    found = await connection.fetch(
        _CARRIED_ON,
        [one.scope.account_id for one in wanted],
        [one.id for one in wanted],
        [one.company_id for one in wanted],
    )
    return [
        Shown(row["delivery_id"], ProofStage(row["stage"]), ProofKind(row["kind"]), row["taken_at"])
        for row in found
    ]


class Kept(NamedTuple):
    """A proof that is there, and the digest of what was sent."""

    proof: Proof
    sent_digest: bytes


_FIND = f"""
select {_COLUMNS}, sent_digest from proofs
where account_id = $1 and delivery_id = $2 and id = $3 and ($4::text is null or mode = $4)
"""  # noqa: S608 - the columns are a constant


async def find(connection: Connection, scope: Scope, delivery_id: UUID, id: UUID) -> Kept | None:
    """One proof of a delivery of this account and mode."""
    row = await connection.fetchrow(_FIND, scope.account_id, delivery_id, id, scope.mode)
    return None if row is None else Kept(_proof(row), row["sent_digest"])


async def find_anywhere(
    connection: Connection, account_id: UUID, delivery_id: UUID, id: UUID
) -> Proof | None:
    """The proof that a link of ours names, of either mode."""
    row = await connection.fetchrow(_FIND, account_id, delivery_id, id, None)
    return None if row is None else _proof(row)


async def erase(
    connection: Connection, accounts: Sequence[UUID], deliveries: Sequence[UUID]
) -> None:
    """Removes all proofs of deliveries: their accounts, and their ids."""
    await connection.execute(
        "delete from proofs using unnest($1::uuid[], $2::uuid[]) as gone (of_account, of_delivery)"
        " where account_id = of_account and delivery_id = of_delivery",
        accounts,
        deliveries,
    )


forget: Final = older("proofs", "received_at")
"""Removes those that were received so long ago."""


class FileOfProof(NamedTuple):
    """A path, and the proof that it is of if there is one."""

    account_id: UUID
    delivery_id: UUID
    id: UUID
    path: str


_WITHOUT_ROW = """
select input.path from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[])
    as input (account_id, delivery_id, id, path)
where not exists (
    select from proofs where proofs.account_id = input.account_id
        and proofs.delivery_id = input.delivery_id and proofs.id = input.id
        and proofs.path = input.path
)
"""


async def without_row(connection: Connection, places: Sequence[FileOfProof]) -> list[str]:
    """Those of the paths that no proof names."""
    given = [list(column) for column in zip(*places, strict=True)] or [[], [], [], []]
    found = await connection.fetch(_WITHOUT_ROW, *given)
    return [row["path"] for row in found]
