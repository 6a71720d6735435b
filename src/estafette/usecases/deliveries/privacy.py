"""Show or erase, on request, what is stored about a phone number."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Account
from estafette.core.audit import AuditedAct
from estafette.core.deliveries.delivery import Delivery, Stop
from estafette.core.deliveries.event import Event
from estafette.core.deliveries.personal_data import phones_of
from estafette.core.deliveries.places import RecipientWords, address_key
from estafette.core.money.payment import Payment
from estafette.core.proofs.proof import Proof
from estafette.store import pool
from estafette.store.accounts import table as accounts
from estafette.store.couriers import dispatches
from estafette.store.deliveries import (
    corrections,
    events,
    imports,
    personal_data,
    phone_index,
    recipient_words,
)
from estafette.store.deliveries import table as deliveries
from estafette.store.pool import Connection
from estafette.store.proofs import table as proofs
from estafette.usecases import audit
from estafette.usecases.deliveries.personal_data import PhoneHash, erase
from estafette.usecases.platform import Platform
from estafette.usecases.proofs.links import link_to

_PAGE = 200
_LOOK_SECONDS = 120.0
_BEGINNING = UUID(int=0)


async def deliveries_naming(
    platform: Platform, phone: str, account: Account | None = None
) -> AsyncIterator[Sequence[Delivery]]:
    """Yields all deliveries that name a phone (in E.164), of one account or of all, in pages.

    Deliveries that the worker has not indexed yet, such as those of the last hour, are looked
    through one by one.
    """
    of = account and account.id
    seen: set[UUID] = set()
    async with platform.pool.acquire() as connection:
        hashed = await PhoneHash.of(platform, connection)
        for one in [of] if of else [id for id, _ in await accounts.every_id(connection)]:
            indexed_to = await personal_data.indexed_to(connection, one)
            young = await deliveries.naming_after(
                connection, one, indexed_to, phone, seconds=_LOOK_SECONDS
            )
            for at in range(0, len(young), _PAGE):
                page = [(one, id) for id in young[at : at + _PAGE]]
                seen.update(id for _, id in page)
                yield await _naming(connection, page, phone)
        after = _BEGINNING, _BEGINNING
        while found := await phone_index.naming(connection, hashed(phone), of, after, _PAGE):
            after = found[-1]
            if page := [one for one in found if one[1] not in seen]:
                yield await _naming(connection, page, phone)


async def _naming(
    connection: Connection, page: Sequence[tuple[UUID, UUID]], phone: str
) -> list[Delivery]:
    """Returns those deliveries that name the phone: another phone may have the same hash."""
    found = await deliveries.read(connection, page)
    return [delivery for delivery in found if phone in phones_of(delivery)]


class Stored(NamedTuple):
    """All that is stored about a delivery, with its history, its dispatch and its proofs.

    `said` is what its recipient has said of where and when. Each proof has a link to its picture,
    which lasts for a time, or None.
    """

    delivery: Delivery
    events: Sequence[Event]
    dispatch: Any
    proofs: Sequence[tuple[Proof, str | None]] = ()
    said: RecipientWords | None = None


async def export_phone(
    platform: Platform, phone: str, account: Account | None = None
) -> list[Stored]:
    """Returns what is stored about every delivery that names a phone (in E.164).

    `account` is None for the deliveries of all accounts. The export is noted in the audit.
    """
    found: list[Stored] = []
    async for page in deliveries_naming(platform, phone, account):
        found += [await stored(platform, delivery) for delivery in page]
    async with platform.pool.acquire() as connection, connection.transaction():
        hashed = await PhoneHash.of(platform, connection)
        await audit.note(
            connection,
            platform.by,
            AuditedAct.PRIVACY_EXPORTED,
            hashed.name(phone),
            {"deliveries": len(found)},
            of=account and account.id,
        )
    return found


async def stored(platform: Platform, delivery: Delivery) -> Stored:
    """Returns what is stored about a delivery."""
    async with platform.pool.acquire() as connection:
        history = await events.of_delivery(connection, delivery.scope, delivery.id)
        account_id = delivery.scope.account_id
        dispatch = await dispatches.stored(connection, account_id, delivery.id)
        shown = await proofs.of_delivery(connection, delivery.scope, delivery.id)
        said = await recipient_words.of_deliveries(connection, [(account_id, delivery.id)])
    linked = [(proof, link_to(platform, account_id, proof)) for proof in shown]
    return Stored(delivery, history, dispatch, linked, said.get((account_id, delivery.id)))


class Erased(NamedTuple):
    """How many deliveries were erased, and which will be as soon as they have ended."""

    erased: int
    put_off: Sequence[Delivery]


async def erase_phone(platform: Platform, phone: str, account: Account | None = None) -> Erased:
    """Erases the personal data of every delivery that names a phone (in E.164), once it has ended.

    The worker erases those that are under way within minutes after they end. Each delivery's data
    is erased as a whole, also what it says of other people; where drivers have found its address
    to be is forgotten at once. Rows of imported files that name the phone, and of which no delivery
    was created, are emptied. The audit names the phone by its hash.
    """
    async with platform.pool.acquire() as connection:
        await imports.forget_phone(connection, phone, account and account.id)
    done, put_off = 0, list[Delivery]()
    async for page in deliveries_naming(platform, phone, account):
        async with platform.pool.acquire() as connection:
            addresses = [address_key(one.scope.account_id, one.dropoff) for one in page]
            await corrections.erase(connection, addresses)
            hashed = await PhoneHash.of(platform, connection)
            now = await pool.clock(connection)
            async with connection.transaction():
                gone = await _erase(connection, platform, hashed, page, now)
                await _note(connection, platform, hashed.name(phone), page, gone)
        done += len(gone)
        put_off += [delivery for delivery in page if delivery.id not in gone]
    return Erased(done, put_off)


async def _erase(
    connection: Connection,
    platform: Platform,
    hashed: PhoneHash,
    page: Sequence[Delivery],
    now: datetime,
) -> set[UUID]:
    wanted = [(delivery.scope.account_id, delivery.id) for delivery in page]
    if not wanted:
        return set()
    gone = await erase(connection, platform, hashed, wanted, now)
    if left := [one for one in wanted if one[1] not in gone]:
        await personal_data.put_off(connection, left, on_request=True)
    return gone


async def _note(
    connection: Connection,
    platform: Platform,
    phone: str,
    page: Sequence[Delivery],
    gone: set[UUID],
) -> None:
    """Notes in the audit how many deliveries of each account were erased, and how many put off."""
    for account_id in {delivery.scope.account_id for delivery in page}:
        of_account = [one.id for one in page if one.scope.account_id == account_id]
        erased = sum(id in gone for id in of_account)
        facts = {"erased": erased, "when_ended": len(of_account) - erased}
        await audit.note(
            connection, platform.by, AuditedAct.PRIVACY_ERASED, phone, facts, of=account_id
        )


def as_json(one: Stored) -> dict[str, Any]:
    """Returns what is stored about a delivery, in the form of the export."""
    delivery = one.delivery
    return {
        "id": delivery.id,
        "mode": delivery.scope.mode,
        "status": delivery.status,
        "reference": delivery.reference,
        "external_ref": delivery.external_ref,
        "created_at": delivery.created_at,
        "updated_at": delivery.updated_at,
        "pickup_by": delivery.pickup_by,
        "deliver_by": delivery.deliver_by,
        "pickup": _stop(delivery.pickup),
        "dropoff": _stop(delivery.dropoff),
        "parcel": {
            "weight_grams": delivery.parcel.weight_grams,
            "description": delivery.parcel.description,
            "declared_value": delivery.parcel.declared_value,
        },
        "courier": delivery.company_name,
        "skills": delivery.skills,
        "fee": delivery.fee,
        "payment": _payment(delivery.payment),
        "metadata": delivery.metadata,
        "pin": "kept" if delivery.pin else None,
        "history": [
            {
                "status": event.status,
                "actor": event.actor,
                "note": event.note,
                "occurred_at": event.occurred_at,
            }
            for event in one.events
        ],
        "at_another_platform": one.dispatch,
        "proofs": [_proof(proof, link) for proof, link in one.proofs],
        "said_by_recipient": one.said and _said(one.said),
    }


def _said(of: RecipientWords) -> dict[str, Any]:
    return {
        "said_at": of.said_at,
        "latitude": of.point and of.point.latitude,
        "longitude": of.point and of.point.longitude,
        "landmark": of.landmark,
        "note": of.note,
        "wanted_from": of.wanted_from,
        "wanted_until": of.wanted_until,
    }


def _proof(proof: Proof, link: str | None) -> dict[str, Any]:
    return {
        "kind": proof.kind,
        "stage": proof.stage,
        "said": proof.said,
        "taken_at": proof.taken_at,
        "latitude": proof.at and proof.at.latitude,
        "longitude": proof.at and proof.at.longitude,
        "picture": link,
    }


def _stop(stop: Stop) -> dict[str, Any]:
    return {
        "name": stop.name,
        "phone": stop.phone,
        "phone_e164": stop.phone_e164,
        "address": stop.address,
        "city": stop.city,
        "province": stop.province,
        "notes": stop.notes,
        "latitude": stop.latitude,
        "longitude": stop.longitude,
    }


def _payment(payment: Payment) -> dict[str, Any]:
    return {
        "method": payment.method,
        "cash_collect": payment.cash_collect,
        "due_at": payment.due_at,
    }
