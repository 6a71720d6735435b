"""People for the tests of use cases: made as in life, by an invitation that is accepted."""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from estafette.core.people.organisation import PLATFORM, Organisation, OrganisationKind
from estafette.core.people.permission import Role
from estafette.core.people.person import Person
from estafette.usecases.people.accept import join_as_new
from estafette.usecases.people.invite import invite
from estafette.usecases.people.sessions import Client, NewSession, SignedIn
from estafette.usecases.platform import Platform

PASSWORD = "seven swans swim south"
CLIENT = Client("203.0.113.7", "Mozilla/5.0 (test)")


def new_email() -> str:
    return f"{uuid4().hex}@shop.example"


def new_client() -> Client:
    """Somebody at an address of their own, which nobody else's tries count for."""
    id = uuid4().hex
    return Client(f"2001:db8:{id[:4]}:{id[4:8]}::1", "Mozilla/5.0 (test)")


def token_of(path: str) -> str:
    return path.rpartition("/")[2]


@dataclass
class Somebody:
    """A person, their first session, and from where they come."""

    new: NewSession
    client: Client = field(default_factory=new_client)

    @property
    def person(self) -> Person:
        return self.new.person

    @property
    def signed_in(self) -> SignedIn:
        return SignedIn(self.new.session, self.new.person)


def account(account_id: UUID) -> Organisation:
    return Organisation(OrganisationKind.ACCOUNT, account_id)


async def new_person(
    platform: Platform, of: Organisation = PLATFORM, role: Role = Role.OWNER
) -> Somebody:
    link = await invite(platform, of, role, new_email())
    client = new_client()
    new = await join_as_new(
        platform,
        token_of(link.path),
        client,
        name="Sandra Neto",
        password=PASSWORD,
        language="pt",
    )
    return Somebody(new, client)
