"""What the operator looks after: deliveries in trouble, PINs, the audit, health."""

from estafette.core.deliveries.delivery import Delivery
from estafette.core.deliveries.dialect import Dialect
from estafette.core.people.permission import PersonAct
from estafette.dialects.operator import mapping, schemas
from estafette.dialects.operator.errors import NotThere
from estafette.dialects.operator.listing import (
    an_id,
    cursor,
    limit_of,
    mode_of,
    time,
    write_cursor,
)
from estafette.dialects.operator.operations import Asked, Operation
from estafette.http.operations import json
from estafette.http.parameters import text
from estafette.http.reply import HttpReply
from estafette.usecases.accounts.settings import account_with_settings
from estafette.usecases.audit import AuditFilter, list_entries
from estafette.usecases.couriers.carry_again import carry_again
from estafette.usecases.deliveries.advance import unlock_pin
from estafette.usecases.deliveries.find import find_anywhere
from estafette.usecases.deliveries.move_by_hand import move_by_hand
from estafette.usecases.deliveries.troubles import (
    Trouble,
    count_troubles,
    list_troubles,
    settle_dispute,
)
from estafette.usecases.health import examine
from estafette.usecases.proofs.show import proofs_of


async def _troubles(asked: Asked) -> HttpReply:
    mode, after, limit = (
        mode_of(asked.query),
        asked.query.read("cursor", cursor),
        limit_of(asked.query),
    )
    asked.must_be_read("mode", "cursor", "limit")
    try:
        trouble = Trouble(asked.path["trouble"])
    except ValueError:
        raise NotThere("list") from None
    page = await list_troubles(asked.platform, trouble, mode, after, limit)
    following = page.next and write_cursor(page.next)
    return json(200, {"data": [*map(mapping.troubled, page.found)], "next": following})


async def _show(asked: Asked) -> HttpReply:
    asked.must_be_read()
    return json(200, mapping.delivery(await find_anywhere(asked.platform, asked.id("delivery"))))


async def _proofs(asked: Asked) -> HttpReply:
    asked.must_be_read()
    found = await find_anywhere(asked.platform, asked.id("delivery"))
    proofs = await proofs_of(asked.platform, found.scope, found.id)
    return json(200, {"data": [*map(mapping.proof, proofs)]})


async def _settle(asked: Asked) -> HttpReply:
    asked.must_be_read()
    wanted = asked.read(schemas.Noted)
    found = await find_anywhere(asked.platform, asked.id("delivery"))
    await settle_dispute(asked.platform, found.scope, found.id, wanted.note)
    return json(200, mapping.delivery(await find_anywhere(asked.platform, found.id)))


async def _move(asked: Asked) -> HttpReply:
    asked.must_be_read()
    wanted = asked.read(schemas.Moved)
    found, dialect = await _of_dialect(asked)
    of = (found.scope, dialect, found.id)
    moved = await move_by_hand(asked.platform, *of, wanted.to, wanted.note)
    return json(200, mapping.delivery(moved))


async def _carry(asked: Asked) -> HttpReply:
    asked.must_be_read()
    asked.read(schemas.Closed)
    found, dialect = await _of_dialect(asked)
    done = await carry_again(asked.platform, found.scope, dialect, found.id)
    return json(200, mapping.delivery(done))


async def _of_dialect(asked: Asked) -> tuple[Delivery, Dialect]:
    """Returns the delivery in the path, and what its account's API is."""
    found = await find_anywhere(asked.platform, asked.id("delivery"))
    account = (await account_with_settings(asked.platform, found.scope.account_id)).account
    return found, asked.platform.dialects[account.dialect]


async def _unlock(asked: Asked) -> HttpReply:
    asked.must_be_read()
    asked.read(schemas.Closed)
    found = await find_anywhere(asked.platform, asked.id("delivery"))
    return json(200, mapping.delivery(await unlock_pin(asked.platform, found.scope, found.id)))


async def _audit(asked: Asked) -> HttpReply:
    query = asked.query
    wanted = AuditFilter(
        account_id=query.read("account_id", an_id),
        act=query.read("act", text),
        by=query.read("by", text),
        object=query.read("object", text),
        since=query.read("from", time),
        until=query.read("to", time),
    )
    after, limit = query.read("cursor", cursor), limit_of(query)
    asked.must_be_read("account_id", "act", "by", "object", "from", "to", "cursor", "limit")
    page = await list_entries(asked.platform, wanted, after, limit)
    following = page.next and write_cursor(page.next)
    return json(200, {"data": [*map(mapping.audit_entry, page.entries)], "next": following})


async def _health(asked: Asked) -> HttpReply:
    mode = mode_of(asked.query)
    asked.must_be_read("mode")
    found, troubles = (
        await examine(asked.platform),
        await count_troubles(asked.platform, mode),
    )
    return json(
        200,
        {
            "database": {
                "version": ".".join(map(str, found.database.version)),
                "newer_migrations": found.database.newer_migrations,
            },
            "webhooks": {
                "waiting": found.webhooks.waiting,
                "oldest_due_seconds": found.webhooks.oldest_seconds,
            },
            "errands": {
                "due": found.errands.waiting,
                "oldest_due_seconds": found.errands.oldest_seconds,
            },
            "deliveries": {
                "stalled": troubles.stalled,
                "late": troubles.late,
                "disputed": troubles.disputed,
            },
            "disk": {"free_bytes": found.disk.free, "whole_bytes": found.disk.whole},
            "tables": [
                {
                    "name": each.name,
                    "bytes": each.bytes,
                    "partitions": each.partitions,
                    "newest_partition": each.newest,
                }
                for each in found.tables
            ],
            "upkeep": [
                {
                    "name": each.name,
                    "removed": each.removed,
                    "completed_at": mapping.time_text(each.completed_at),
                }
                for each in found.upkeep
            ],
        },
    )


_ONE = "/v1/deliveries/{delivery}"

OPERATIONS = (
    Operation("GET", "/v1/troubles/{trouble}", PersonAct.DELIVERIES_SEE, _troubles),
    Operation("GET", _ONE, PersonAct.DELIVERIES_SEE, _show),
    Operation("GET", f"{_ONE}/proofs", PersonAct.DELIVERIES_SEE, _proofs),
    Operation("POST", f"{_ONE}/settle-dispute", PersonAct.DELIVERIES_RELEASE, _settle),
    Operation("POST", f"{_ONE}/move", PersonAct.DELIVERIES_MOVE, _move),
    Operation("POST", f"{_ONE}/carry", PersonAct.DELIVERIES_MOVE, _carry),
    Operation("POST", f"{_ONE}/unlock-pin", PersonAct.PINS_UNLOCK, _unlock),
    Operation("GET", "/v1/audit", PersonAct.AUDIT_SEE, _audit),
    Operation("GET", "/v1/health", PersonAct.HEALTH_SEE, _health),
)
