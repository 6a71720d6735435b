"""A file of ten thousand orders: from its upload to the last delivery, and what others feel of it.

Another account's GETs come at a constant rate, alone and beside an import; by how many times their
99th percentile grows is in the detail, and fails the figure beyond its own reach.
"""

import asyncio
import time
from uuid import UUID

from bench.load import Seen, Task, head_of, host, measured
from bench.plan import Plan, say
from bench.report import Figure
from bench.stage import Stage
from estafette.app import open_platform
from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries.order_import import ImportState
from estafette.core.ids import new_id
from estafette.settings import Settings
from estafette.store.accounts import table as accounts
from estafette.usecases.deliveries.imports import confirm_import, find_import, start_import
from estafette.usecases.platform import Platform

NAME = "import_10000_seconds"
REACH = 30.0

SHIFT = 1.5
"""How many times as long another account's 99th percentile may be meanwhile."""

_ORDERS = 10_000
_PER_SECOND = 50.0
_LOOK_SECONDS, _MOST_LOOKS = 0.1, 6_000
_HEAD = "order;pickup address;sender;sender phone;address;name;phone;parcel;weight;value\n"
_SENDER = "21 Zhibek Zholy, Almaty;Shop;+7 727 111 0000"


async def measure(stage: Stage, plan: Plan) -> Figure:
    """The seconds from the upload until every order is created."""
    await stage.open_account("importer", "KZ")
    id = await stage.create_one(stage.base_url)
    address, port = host(stage.base_url).split(":")

    async def gets(seconds: float) -> Seen:
        task = Task(
            host=address,
            port=int(port),
            head=head_of(stage.base_url, f"x-api-key: {stage.api_key}"),
            what="paths",
            per_second=_PER_SECOND,
            seconds=seconds,
            warm_up_seconds=1,
            connections=16,
            paths=(f"/delivery/v1/deliveries/{id}",),
            patience_seconds=60,
        )
        return await measured(task, stage.folder)

    settings = Settings(
        database_url=stage.dsn, secret_key=stage.environment["ESTAFETTE_SECRET_KEY"]
    )
    async with stage.worker(), open_platform(settings) as platform:
        alone = await gets(plan.crowd_seconds)
        beside_task = asyncio.create_task(gets(plan.crowd_seconds))
        took = await _import(stage, platform)
        beside = await beside_task
    shift = beside.p99_ms / alone.p99_ms
    say(f"  {NAME}: {took:.1f} s; others' p99 {alone.p99_ms:.1f} ms, beside {beside.p99_ms:.1f}")
    return Figure(
        NAME,
        round(took, 1) if shift <= SHIFT else None,
        REACH,
        "s",
        detail={"others_p99_ms": [round(one.p99_ms, 1) for one in (alone, beside)]},
        shown=f"{_ORDERS:,} orders; another account's p99 {shift:.2f} times as long meanwhile",
        missing=None if shift <= SHIFT else f"another account's p99 grew {shift:.2f} times",
    )


async def _import(stage: Stage, platform: Platform) -> float:
    async with platform.pool.acquire() as connection:
        account = await accounts.find(connection, "importer")
    if account is None:
        raise LookupError("importer")
    scope, run = Scope(account.id, Mode.LIVE), stage.new_run()
    rows = [
        f"I{run}-{number};{_SENDER};Abay {number % 300}, Almaty;Dana;8 701 123 {number % 100:02} 67"
        f";Books;1,2;85000\n"
        for number in range(_ORDERS)
    ]
    began = time.perf_counter()
    file = (_HEAD + "".join(rows)).encode()
    id = await start_import(platform, scope, new_id(), file, "orders.csv")
    await _until(platform, scope, id, ImportState.PREVIEW)
    await confirm_import(platform, scope, id)
    await _until(platform, scope, id, ImportState.DONE)
    found = await find_import(platform, scope, id)
    if found.created != _ORDERS:
        raise LookupError(f"{found.created} of {_ORDERS} orders were created")
    return time.perf_counter() - began


async def _until(platform: Platform, scope: Scope, id: UUID, state: ImportState) -> None:
    for _ in range(_MOST_LOOKS):
        found = await find_import(platform, scope, id)
        if not found.is_under_way:
            break
        await asyncio.sleep(_LOOK_SECONDS)
    else:
        raise LookupError("the import does not end")
    if found.state is not state:
        raise LookupError(f"the import is {found.state}: {found.reason}")
