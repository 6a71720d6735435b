"""Where exactly parcels go: said by recipients, found out by drivers, read by who carries them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from estafette.core.deliveries.delivery import Delivery
from estafette.core.deliveries.places import (
    LONGEST_CORRECTION,
    MOST_CHANGES,
    DeliveryOver,
    NotCarrying,
    NothingSaid,
    PointUnreadable,
    RecipientWords,
    SaidTooOften,
    StopPlace,
    address_key,
    believable,
    merchants_point,
    place_of,
    read_point,
    said_text,
)
from estafette.core.fleet.assignment import AssignmentState
from estafette.core.fleet.refusals import NotOfCompany
from estafette.core.point import Point
from estafette.core.retention import CORRECTIONS
from estafette.store.accounts import table as accounts
from estafette.store.deliveries import corrections, recipient_words
from estafette.store.deliveries import table as deliveries
from estafette.store.deliveries.corrections import NewCorrection
from estafette.store.fleet import assignments
from estafette.store.pool import Connection
from estafette.usecases.deliveries.advance import lock_anywhere
from estafette.usecases.platform import Platform

_NO_CITIES: Mapping[UUID, Point] = MappingProxyType({})
_CARRIED = frozenset({AssignmentState.ACCEPTED, AssignmentState.DONE})


async def dropoff_places(
    connection: Connection, platform: Platform, of: Sequence[Delivery]
) -> dict[UUID, StopPlace]:
    """Returns where the drop-offs of deliveries are, and what is known besides, by delivery.

    For those who carry them, and those who plan it: `core.deliveries.places` says who is believed.
    Nobody else reads what recipients have said.
    """
    return await places_of(connection, of, await _cities(platform, connection, of))


async def places_of(
    connection: Connection, of: Sequence[Delivery], cities: Mapping[UUID, Point] = _NO_CITIES
) -> dict[UUID, StopPlace]:
    """Returns the same for whoever knows the cities; without them, short Plus Codes are unread."""
    if not of:
        return {}
    said = await recipient_words.of_deliveries(
        connection, [(one.scope.account_id, one.id) for one in of]
    )
    keys = {one.id: (address_key(one.scope.account_id, one.dropoff), one.scope.mode) for one in of}
    known = await corrections.of_addresses(connection, list(keys.values()), CORRECTIONS)
    return {
        one.id: place_of(
            one.dropoff,
            said.get((one.scope.account_id, one.id)),
            known.get(keys[one.id]),
            cities.get(one.id),
        )
        for one in of
    }


async def _cities(
    platform: Platform, connection: Connection, of: Sequence[Delivery]
) -> dict[UUID, Point]:
    """Returns the middles of the cities that deliveries go to, by delivery, where one is known."""
    if not of:
        return {}
    named = await accounts.find_all(connection, {one.scope.account_id for one in of})
    found: dict[UUID, Point] = {}
    for one in of:
        account = named.get(one.scope.account_id)
        if account is None or not one.dropoff.city:
            continue
        cities = (await platform.catalog.prices(account.market.code)).cities
        if city := cities.find(one.dropoff.city):
            found[one.id] = Point(city.latitude, city.longitude)
    return found


async def _city(platform: Platform, connection: Connection, of: Delivery) -> Point | None:
    return (await _cities(platform, connection, [of])).get(of.id)


async def say_where(
    platform: Platform,
    delivery_id: UUID,
    now: datetime,
    *,
    point: str = "",
    landmark: str | None = None,
    note: str | None = None,
    wanted: tuple[datetime, datetime] | None = None,
    visitor: str | None = None,
) -> None:
    """Keeps what a recipient says of where and when the parcel shall come.

    `point` is as it was typed: see `core.deliveries.places.read_point`. What is left out stays as
    it was said before. `visitor` is the address by which who asks is counted. Raises
    DeliveryNotFound, DeliveryOver, NothingSaid, PointUnreadable, TooFar, SaidTooOften, Busy.
    """
    async with platform.connections.public(visitor) as connection, connection.transaction():
        delivery = await lock_anywhere(connection, delivery_id)
        if delivery.progress.is_final:
            raise DeliveryOver
        where = None
        if point.strip():
            city = await _city(platform, connection, delivery)
            where = read_point(point, city)
            if where is None:
                raise PointUnreadable
            believable(where, merchants_point(delivery.dropoff, city) or city)
        words = RecipientWords(now, where, landmark, note, *(wanted or (None, None)))
        if words == RecipientWords(now):
            raise NothingSaid
        if not await recipient_words.say(
            connection, delivery.scope, delivery_id, words, MOST_CHANGES
        ):
            raise SaidTooOften


async def correct_place(
    platform: Platform,
    company_id: UUID,
    driver_id: UUID,
    delivery_id: UUID,
    point: Point,
    note: str | None = None,
) -> None:
    """Keeps where a delivery's drop-off really is, as its driver has found it.

    It is remembered for the account's next deliveries to the same address. Raises NotOfCompany,
    NotCarrying, TooFar, Busy.
    """
    async with platform.connections.batch("fleet") as connection, connection.transaction():
        scope = await deliveries.scope_at(connection, company_id, delivery_id)
        delivery = scope and await deliveries.find(connection, scope, delivery_id)
        if scope is None or delivery is None:
            raise NotOfCompany(delivery_id)
        own = await assignments.of_delivery(connection, company_id, scope.account_id, delivery_id)
        if not any(one.driver_id == driver_id and one.state in _CARRIED for one in own):
            raise NotCarrying
        city = await _city(platform, connection, delivery)
        found = believable(point, merchants_point(delivery.dropoff, city) or city)
        new = NewCorrection(
            address_key(scope.account_id, delivery.dropoff),
            scope.mode,
            found,
            said_text(note, LONGEST_CORRECTION),
            company_id,
            driver_id,
        )
        await corrections.keep(connection, new)
