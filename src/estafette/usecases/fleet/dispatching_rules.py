"""Read and change how a company dispatches."""

from dataclasses import asdict
from uuid import UUID

from estafette.core.audit import AuditedAct
from estafette.core.couriers.company import Connector
from estafette.core.edition import edition_of, must_be
from estafette.core.fleet.dispatching import DispatchingRules
from estafette.core.fleet.refusals import NoDriversHere
from estafette.store.couriers import companies
from estafette.store.fleet import dispatching
from estafette.usecases import audit
from estafette.usecases.platform import Platform


async def dispatching_rules(platform: Platform, company_id: UUID) -> DispatchingRules:
    """Returns how a company dispatches; without any decision of its own, by hand."""
    async with platform.pool.acquire() as connection:
        return await dispatching.rules_of(connection, company_id)


async def set_dispatching_rules(
    platform: Platform, company_id: UUID, rules: DispatchingRules, *, edition: str | None = None
) -> DispatchingRules:
    """Changes how an in-house company dispatches, from now on.

    `edition` is that of the rules as they were opened; None skips the comparison. Raises
    NoDriversHere or EditedMeanwhileError.
    """
    async with platform.pool.acquire() as connection, connection.transaction():
        company = await companies.lock(connection, company_id)
        if company is None or company.connector is not Connector.INHOUSE:
            raise NoDriversHere(company_id)
        before = await dispatching.rules_of(connection, company_id)
        must_be(edition, edition_of(before))
        if rules != before:
            await dispatching.save(connection, company_id, rules)
            was = asdict(before)
            facts = {
                f"dispatching_{name}": [was[name], value]
                for name, value in asdict(rules).items()
                if value != was[name]
            }
            by, act = platform.by, AuditedAct.COMPANY_CHANGED
            await audit.note(connection, by, act, company_id, facts, of=company.account_id)
    return rules
