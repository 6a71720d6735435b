"""What a request's line in the log tells of who asked, in every dialect."""

import asyncio
from collections.abc import Mapping
from typing import Any

from structlog.testing import capture_logs

from estafette.core.accounts.account import Mode
from estafette.usecases.accounts import keys
from tests.edges import Edge
from tests.serving import Server, Tenant


async def _line(tenant: Tenant, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    with capture_logs() as lines:
        answer = await tenant.call(tenant.edge.list, headers)
        async with asyncio.timeout(60):
            while not any(line["event"] == "request" for line in lines):  # noqa: ASYNC110
                await asyncio.sleep(0.01)  # it is written when the answer has left
    (line,) = (line for line in lines if line["event"] == "request")
    assert line["status"] == answer.status
    return dict(line)


async def test_a_line_holds_the_callers_address_and_the_id_of_its_key(
    server: Server, edge: Edge
) -> None:
    tenant = await server.tenant(edge)
    known = await keys.list_keys(server.platform, tenant.account)
    line = await _line(tenant)
    assert (line["status"], line["client"]) == (200, "127.0.0.1")
    assert line["account"] == str(tenant.account.id)
    assert line["key_id"] in {str(key.id) for key in known if key.mode is Mode.SANDBOX}
    assert tenant.key not in str(line)


async def test_lines_of_refused_requests_hold_them_too(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge, rate_per_second=1, burst=1)
    unknown = await _line(tenant.with_key(f"{tenant.key}x"))
    assert (unknown["status"], unknown["client"], unknown["key_id"]) == (401, "127.0.0.1", None)
    await _line(tenant)
    limited = await _line(tenant)
    assert (limited["status"], limited["client"]) == (429, "127.0.0.1")
    known = {str(key.id) for key in await keys.list_keys(server.platform, tenant.account)}
    assert limited["key_id"] in known
    await keys.disable_key(server.platform, tenant.account, tenant.key)
    disabled = await _line(tenant)
    assert disabled["status"] in (401, 403)
    assert disabled["key_id"] == limited["key_id"]
