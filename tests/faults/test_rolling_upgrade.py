"""While versions change: this one, over a database that the next one has migrated.

Whoever migrates first and replaces servers and workers one by one has both versions at work, and a
process of the older one may crash and start again.
"""

import asyncio
from pathlib import Path

from estafette.core.deliveries.delivery import Status
from estafette.usecases.webhooks.endpoints import set_endpoint
from tests.edges import EDGES
from tests.edges.edge import Heard
from tests.patience import until
from tests.processes import Process, ServerProcess, calling
from tests.receivers import Receiver
from tests.rows import database
from tests.serving import Server, Tenant


async def _until_ready(server: Server) -> None:
    """Returns once it is: a machine that stands still may keep its database away for a moment."""

    async def is_ready() -> bool:
        return (await server.request("GET", "/readyz")).status == 200

    await until(is_ready)


async def _is_carried(server: Server, tenant: Tenant, receiver: Receiver) -> None:
    """Creates and moves a delivery: each of its events is told, some perhaps more than once."""
    edge = tenant.edge
    endpoint = await set_endpoint(server.platform, tenant.scope, receiver.url)
    id = await tenant.create()
    await tenant.move(id, Status.ASSIGNED, Status.IN_TRANSIT)
    shown = (await tenant.call(edge.get(id))).told
    assert edge.status_of(shown) == edge.shown(Status.IN_TRANSIT, Status.IN_TRANSIT)

    def heard() -> list[Heard]:
        return [edge.heard(one.headers, one.body, endpoint.secret) for one in receiver.requests]

    await receiver.wait_until(lambda: len({one.event for one in heard()}) == 3)
    assert {one.delivery for one in heard()} == {id}


async def test_the_version_before_serves_and_works_over_a_newer_database(
    fresh_database: str, tmp_path: Path
) -> None:
    process = ServerProcess(fresh_database, tmp_path)
    worker = Process(
        "worker",
        fresh_database,
        tmp_path,
        webhook_allowed_networks="127.0.0.0/8",
        log_level="info",
        sandbox_step_seconds="0",  # what is told of is moved by the test alone
    )
    try:
        await asyncio.to_thread(process.come_up)
        async with calling(fresh_database, process) as (server,):
            await database.migrate_on(fresh_database)
            await _until_ready(server)
            process.kill()
            await asyncio.to_thread(process.come_up)
            await asyncio.to_thread(worker.come_up)
            for edge in EDGES:
                async with Receiver() as receiver:
                    await _is_carried(server, await server.tenant(edge), receiver)
            await _until_ready(server)
        assert worker.is_alive
    finally:
        worker.stop()
        process.stop()
