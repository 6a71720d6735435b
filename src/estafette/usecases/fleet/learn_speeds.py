"""Learn how fast the drivers of companies are, from the ways that they have made.

A company that dispatches by itself is looked at every few hours, with three statements of bounded
size. What a phone tells may be forged, and taps may be late: see `core/fleet/learning.py`.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from estafette.core.couriers.company import Company
from estafette.core.fleet.learning import (
    LEARNED_EVERY,
    LONGEST_METRES,
    LOOKED_BACK,
    MOST_ASSIGNMENTS,
    SHORTEST_METRES,
    Leg,
    Visit,
    learn,
    legs_of,
)
from estafette.core.fleet.tour import StopKind
from estafette.core.ids import first_id_of
from estafette.core.quotes.place import City
from estafette.loops import Loop, Pace, report
from estafette.routing.speeds import Hours, hours_of, metres_per_second
from estafette.routing.ways import DETOUR, Point, great_circle
from estafette.store.couriers import companies
from estafette.store.fleet import dispatching, finished, learned_speeds
from estafette.store.fleet.finished import Finished, Sought
from estafette.store.fleet.learned_speeds import LearnedSpeed
from estafette.store.pool import Connection, now
from estafette.usecases.fleet.problems import Places, service_seconds
from estafette.usecases.platform import Platform

_REST_SECONDS: Final = 600.0
_MOST_SOUGHT: Final = 2_000
"""For how many legs positions are looked at, the newest."""

_PACE: Final = Pace(longest=_REST_SECONDS)

Kind = tuple[City, str, Hours]
"""Of what a speed is: a city, a vehicle, a class of hours."""


def loop(platform: Platform) -> Loop:
    """Returns the loop that learns speeds. Any number of processes may run it."""

    async def one_round(_: asyncio.Event) -> float:
        async with platform.pool.acquire() as connection:
            company_id = await dispatching.claim_learning(connection, LEARNED_EVERY)
        if company_id is None:
            return _REST_SECONDS
        try:
            await learn_speeds(platform, company_id)
        except Exception as error:  # one company's: the others have theirs
            report("learned speeds", error, company=str(company_id))
        return 0

    return Loop("learned speeds", one_round, _PACE)


async def learn_speeds(platform: Platform, company_id: UUID) -> list[LearnedSpeed]:
    """Learns how fast a company's drivers are, keeps it, and returns what could be learned."""
    async with platform.pool.acquire() as connection:
        company = await companies.find(connection, company_id)
        if company is None:
            return []
        after = first_id_of(await now(connection) - LOOKED_BACK)
        done = await finished.finished(connection, company_id, after, MOST_ASSIGNMENTS)
        places = Places((await platform.catalog.prices(company.market)).cities)
        ratios = await _ratios(connection, company, done, places)
        learned = [
            LearnedSpeed(
                company_id, city.code, vehicle, hours, city.latitude, city.longitude, *found
            )
            for (city, vehicle, hours), each in ratios.items()
            if (found := learn(each)) is not None
        ]
        await learned_speeds.keep(connection, learned)
    return learned


async def _ratios(
    connection: Connection, company: Company, done: Sequence[Finished], places: Places
) -> Mapping[Kind, list[tuple[UUID, float]]]:
    """Returns of each kind the ratios of legs with their drivers, the newest first."""
    visits: dict[UUID, list[Visit]] = defaultdict(list)
    vehicles = {one.driver_id: one.vehicle for one in done}
    for one in done:
        visits[one.driver_id] += _visits(one, places)
    legs = [leg for each in visits.values() for leg in legs_of(each) if _is_measured(leg)]
    legs.sort(key=lambda leg: leg.end.at, reverse=True)
    sought = [
        Sought(leg.end.driver_id, leg.start.at, leg.end.at, leg.end.latitude, leg.end.longitude)
        for leg in legs[:_MOST_SOUGHT]
    ]
    arrived = await finished.arrivals(connection, company.id, sought)
    zone = ZoneInfo(company.time_zone)
    ratios: dict[Kind, list[tuple[UUID, float]]] = defaultdict(list)
    for number, leg in enumerate(legs):
        city = leg.end.city or leg.start.city
        if city is None:
            continue
        vehicle, hour = vehicles[leg.end.driver_id], leg.start.at.astimezone(zone).hour
        usual = _metres(leg) * DETOUR / metres_per_second(vehicle, hour)
        took = leg.took(arrived.get(number)) / timedelta(seconds=usual)
        ratios[city, vehicle, hours_of(hour)].append((leg.end.driver_id, took))
    return ratios


def _visits(one: Finished, places: Places) -> list[Visit]:
    made = (
        (StopKind.PICKUP, one.pickup, one.arrived_at, one.picked_up_at),
        (StopKind.DROPOFF, one.dropoff, None, one.handed_over_at),
    )
    return [
        Visit(
            one.driver_id,
            one.accepted_at,
            arrived_at,
            at,
            stop.latitude,
            stop.longitude,
            timedelta(seconds=service_seconds(kind)),
            places.city(stop),
        )
        for kind, stop, arrived_at, at in made
        if at is not None and stop.latitude is not None and stop.longitude is not None
    ]


def _is_measured(leg: Leg) -> bool:
    return SHORTEST_METRES <= _metres(leg) <= LONGEST_METRES


def _metres(leg: Leg) -> float:
    start, end = (Point(one.latitude, one.longitude) for one in leg)
    return great_circle(start, end)
