"""Positions of many drivers, as their apps send them, one a request."""

from uuid import uuid4

import asyncpg

from bench import load
from bench.load import Seen, Task, measured
from bench.stage import Stage
from estafette.usecases.accounts.secrets import key_hash

DRIVERS = 1_000
PER_SECOND = 1_000.0

_PLACES = 5
"""How many places of each driver are told in turn."""

_FLEET = """
with new as (
    insert into drivers (company_id, id, mode, name, phone_e164, vehicle, capacity_grams,
        capacity_parcels)
    select $1, id, 'live', 'Bench', '+2449' || lpad(number::text, 8, '0'), 'motorcycle', 30000, 8
    from unnest($2::uuid[]) with ordinality as given (id, number)
), working as (
    insert into shifts (company_id, id, driver_id, began_at, device)
    select $1, id, id, now(), 'bench' from unnest($2::uuid[]) as given (id)
)
insert into position_tokens (company_id, driver_id, hash)
select $1, id, hash from unnest($2::uuid[], $3::bytea[]) as given (id, hash)
"""


async def paths_of_drivers(connection: "asyncpg.Connection[asyncpg.Record]") -> tuple[str, ...]:
    """Lets a company have drivers on shift; returns what their apps ask for, driver by driver."""
    ids = [uuid4() for _ in range(DRIVERS)]
    tokens = [f"drv_{id.hex}" for id in ids]
    await connection.execute(_FLEET, uuid4(), ids, [key_hash(token) for token in tokens])
    return tuple(
        f"/driver/traccar?id={token}&lat={-8.8 + place / 1000:.4f}&lon={13.2 + number / 10000:.4f}"
        "&speed=12.5&bearing=90&accuracy=8&batt=80"
        for place in range(_PLACES)
        for number, token in enumerate(tokens)
    )


def told(stage: Stage, paths: tuple[str, ...], seconds: float, warm_up_seconds: float) -> Task:
    """Positions at a constant rate, a second between two of one driver."""
    host, port = load.host(stage.base_url).split(":")
    return Task(
        host=host,
        port=int(port),
        head=load.head_of(stage.base_url),
        what="paths",
        paths=paths,
        per_second=PER_SECOND,
        seconds=seconds,
        warm_up_seconds=warm_up_seconds,
    )


async def tell(stage: Stage, paths: tuple[str, ...], seconds: float) -> Seen:
    """Tells them; none may be refused."""
    task = told(stage, paths, seconds, 2.0)
    return (await measured(task, stage.folder)).must_be_clean()
