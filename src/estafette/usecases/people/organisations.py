"""Which organisations there are, and what they are called."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Account
from estafette.core.people.organisation import Organisation, OrganisationKind
from estafette.core.people.person import MOST_MEMBERSHIPS, Membership, Person
from estafette.core.people.refusals import OrganisationNotFound
from estafette.store.accounts import table as accounts
from estafette.store.couriers import companies
from estafette.store.people import memberships
from estafette.store.pool import Connection
from estafette.usecases.people.connect import reading
from estafette.usecases.platform import Platform


class Belonging(NamedTuple):
    """That a person belongs to an organisation of this name; `account` where it is one."""

    membership: Membership
    name: str
    account: Account | None = None


def account_of(of: Organisation) -> UUID | None:
    """Returns the account that an organisation is, for its audit."""
    return of.id if of.kind is OrganisationKind.ACCOUNT else None


async def must_exist(connection: Connection, of: Organisation) -> None:
    """Keeps others from removing an organisation in the meantime. Raises OrganisationNotFound."""
    kept = {
        OrganisationKind.ACCOUNT: accounts.keep,
        OrganisationKind.COMPANY: companies.keep,
    }.get(of.kind)
    if kept is not None and not await kept(connection, of.id):
        raise OrganisationNotFound(of.id)


async def exists(connection: Connection, of: Organisation) -> bool:
    """Returns whether there is an organisation, which then stays until the transaction ends."""
    try:
        await must_exist(connection, of)
    except OrganisationNotFound:
        return False
    return True


async def belongings(platform: Platform, person: Person) -> list[Belonging]:
    """Returns to what a person belongs: the platform, accounts, companies, oldest first."""
    async with reading(platform) as connection:
        found = await memberships.of_person(connection, person.id, MOST_MEMBERSHIPS)
        of_account = await accounts.find_all(connection, _ids(found, OrganisationKind.ACCOUNT))
        of_company = await companies.names(connection, _ids(found, OrganisationKind.COMPANY))
    known: list[Belonging] = []
    for each in found:
        kind, id = each.organisation
        if kind is OrganisationKind.PLATFORM:
            known.append(Belonging(each, "Estafette"))
        elif kind is OrganisationKind.ACCOUNT and (account := of_account.get(id)):
            known.append(Belonging(each, account.name, account))
        elif kind is OrganisationKind.COMPANY and (name := of_company.get(id)):
            known.append(Belonging(each, name))
    return known


def _ids(found: Sequence[Membership], kind: OrganisationKind) -> list[UUID]:
    return [each.organisation.id for each in found if each.organisation.kind is kind]
