"""People of the bench, who look at pages of theirs: their cookie, without a password."""

from uuid import UUID

import asyncpg

from estafette.core.ids import new_id
from estafette.core.people.organisation import Organisation, OrganisationKind
from estafette.core.people.permission import Role
from estafette.store.people import memberships
from estafette.store.people import table as people
from estafette.usecases.people.sessions import Client, Stage, begin
from estafette.web.session import SESSION, Cookies


async def cookie_of_owner(
    connection: "asyncpg.Connection[asyncpg.Record]", account_id: UUID, public_url: str
) -> str:
    """Lets a new person own an account, and be signed in; returns the header `Cookie`."""
    account = Organisation(OrganisationKind.ACCOUNT, account_id)
    return await _cookie(connection, account, Role.OWNER, public_url)


async def cookie_of_dispatcher(
    connection: "asyncpg.Connection[asyncpg.Record]", company_id: UUID, public_url: str
) -> str:
    """Lets a new person dispatch for a company, and be signed in; returns the header `Cookie`."""
    company = Organisation(OrganisationKind.COMPANY, company_id)
    return await _cookie(connection, company, Role.DISPATCHER, public_url)


async def _cookie(
    connection: "asyncpg.Connection[asyncpg.Record]",
    organisation: Organisation,
    role: Role,
    public_url: str,
) -> str:
    id = new_id()
    async with connection.transaction():
        await people.insert(connection, id, f"bench-{id.hex}@bench.example", "Bench", "en", "")
        person = await people.find(connection, id)
        if person is None:
            raise RuntimeError("the person was not kept")
        await memberships.insert(connection, organisation, id, role)
        client = Client("127.0.0.1", "bench")
        new = await begin(connection, person, Stage.OPEN, "password", client)
    return f"{Cookies(public_url).name(SESSION)}={new.token}"
