"""Look once more who carries a live delivery that no carrier of its account took."""

from dataclasses import replace
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.audit import AuditedAct
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.dialect import Dialect
from estafette.core.deliveries.event import Actor
from estafette.core.errors import DeliveryNotFound
from estafette.store.deliveries import table as deliveries
from estafette.usecases import audit
from estafette.usecases.accounts.administration import account_of
from estafette.usecases.couriers.carriers import CarriersRefusedError, carrier_of
from estafette.usecases.deliveries import record
from estafette.usecases.deliveries.advance import Move, lock_one, moved
from estafette.usecases.platform import Platform, clock


async def carry_again(
    platform: Platform, scope: Scope, dialect: Dialect, delivery_id: UUID
) -> Delivery:
    """Gives a delivery without a company to one of its account's carriers, as of now.

    One that was stalled for want of one is pending again, for that company's drivers. Returns it.

    Raises DeliveryNotFound, AccountNotFoundError, or CarriersRefusedError where a company carries
    it already, the account has no carriers, or none of them can; then it stays as it is.
    """
    account = await account_of(platform, scope.account_id)
    async with platform.connections.account(scope.account_id) as connection:
        found = await deliveries.find(connection, scope, delivery_id)
    if found is None:
        raise DeliveryNotFound(delivery_id)
    carrier = await carrier_of(platform, account.market, replace(found, created_at=clock()))
    if carrier is None:
        raise CarriersRefusedError("the account has no carriers")
    company = carrier.company
    if company is None:
        raise CarriersRefusedError(carrier.nobody or "no carrier")
    async with (
        platform.connections.account(scope.account_id) as connection,
        platform.transaction(connection) as work,
    ):
        before = await lock_one(connection, scope, delivery_id)
        if before.company_id is not None:
            raise CarriersRefusedError(f"{before.company_name} carries it already")
        if before.progress.is_final or before.progress.picked_up:
            raise CarriersRefusedError(f"it is {before.status}")
        after = replace(
            before, company_id=company.id, company_name=company.name, company_fee=carrier.fee
        )
        await deliveries.set_company(connection, after)
        if after.status is Status.STALLED:
            note = f"{company.name} carries it"
            entry = moved(after, Move(Status.PENDING, Actor.OPERATOR, note), dialect)
            await record.moves(work, platform, [entry])
            after = entry.delivery
        facts = {"status": [before.status, after.status], "company_id": [None, str(company.id)]}
        act = AuditedAct.DELIVERY_MOVED
        await audit.note(connection, platform.by, act, delivery_id, facts, of=scope)
    return after
