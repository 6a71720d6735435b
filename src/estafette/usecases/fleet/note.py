"""Note in the audit what dispatchers decide by hand."""

from collections.abc import Mapping
from typing import Any

from estafette.core.audit import AuditedAct, ByKind
from estafette.usecases import audit
from estafette.usecases.fleet.hold import Held


async def note(held: Held, act: AuditedAct, facts: Mapping[str, Any]) -> None:
    """Notes what somebody did with the held delivery; what a process decides is no such act."""
    by = held.platform.by
    if by.kind is not ByKind.PROCESS:
        delivery = held.delivery
        company = {"company_id": str(held.company_id)}
        await audit.note(
            held.work.connection, by, act, delivery.id, {**company, **facts}, of=delivery.scope
        )
