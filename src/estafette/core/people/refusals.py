"""Why something of people is refused, as data. Pages, commands and the operator API say each one.

They are apart from `core/errors.py`, whose refusals every dialect answers with: no merchant's API
has to do with people.
"""

from dataclasses import dataclass
from uuid import UUID

from estafette.core.people.organisation import OrganisationKind
from estafette.core.people.permission import ROLES, Role


class PeopleRefusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault of the program
    """What was asked for is refused; its text says why, in a sentence without its full stop."""


@dataclass(unsafe_hash=True)
class SignInRefused(PeopleRefusal):
    """The e-mail address or the password is wrong, or there is no such person, or one disabled."""

    def __str__(self) -> str:
        return "this e-mail address and password do not sign anybody in"


@dataclass(unsafe_hash=True)
class TooManyAttempts(PeopleRefusal):
    """So much was tried that was wrong; the next try is taken in `retry_after` seconds."""

    retry_after: int

    def __str__(self) -> str:
        return f"too much was tried that was wrong: try again in {self.retry_after} seconds"


@dataclass(unsafe_hash=True)
class SessionEnded(PeopleRefusal):
    """The session is over, or has not come so far."""

    def __str__(self) -> str:
        return "the session is over: sign in again"


@dataclass(unsafe_hash=True)
class CodeRefused(PeopleRefusal):
    """The code of the second factor is wrong, too old, or was used before."""

    def __str__(self) -> str:
        return "this code is wrong, too old, or was used before"


@dataclass(unsafe_hash=True)
class PasskeyRefused(PeopleRefusal):
    """The passkey's answer is not good; `reason` says what is wrong with it."""

    reason: str

    def __str__(self) -> str:
        return f"the passkey was not accepted: {self.reason}"


@dataclass(unsafe_hash=True)
class SecondFactorRequired(PeopleRefusal):
    """The person may not be without a second factor here."""

    def __str__(self) -> str:
        return "the operator's people must keep a second factor"


@dataclass(unsafe_hash=True)
class InvitationRefused(PeopleRefusal):
    """There is no such invitation: it was used, withdrawn, or is over; or there never was one."""

    def __str__(self) -> str:
        return "this link was used, withdrawn, or is over: ask for another one"


@dataclass(unsafe_hash=True)
class InvitationOfAnother(PeopleRefusal):
    """The invitation is somebody else's than the person who is signed in."""

    email: str

    def __str__(self) -> str:
        return f"the invitation is for {self.email}: sign in as that person"


@dataclass(unsafe_hash=True)
class EmailTaken(PeopleRefusal):
    """Somebody has this e-mail address already: they sign in, and then accept."""

    email: str

    def __str__(self) -> str:
        return f"{self.email} is known here: sign in first, and then accept the invitation"


@dataclass(unsafe_hash=True)
class AlreadyMember(PeopleRefusal):
    """The person belongs to the organisation already."""

    email: str

    def __str__(self) -> str:
        return f"{self.email} belongs to it already"


@dataclass(unsafe_hash=True)
class RoleUnknown(PeopleRefusal):
    """An organisation of this kind has no such role."""

    kind: OrganisationKind
    role: Role

    def __str__(self) -> str:
        roles = ", ".join(ROLES[self.kind])
        return f"the {self.kind} has no {self.role}; its roles are {roles}"


@dataclass(unsafe_hash=True)
class LastHead(PeopleRefusal):
    """Nobody else has the role that the organisation is never without."""

    role: Role

    def __str__(self) -> str:
        return f"this is the last {self.role}: make somebody else {self.role} first"


@dataclass(unsafe_hash=True)
class PersonNotFound(PeopleRefusal):
    """There is no such person, or not in this organisation."""

    named: UUID | str

    def __str__(self) -> str:
        return f"there is no person {str(self.named)!r}"


@dataclass(unsafe_hash=True)
class OrganisationNotFound(PeopleRefusal):
    """There is no such account or courier company."""

    named: UUID | str

    def __str__(self) -> str:
        return f"there is no such organisation: {str(self.named)!r}"


@dataclass(unsafe_hash=True)
class NotFound(PeopleRefusal):
    """There is no such session, passkey or invitation."""

    id: UUID

    def __str__(self) -> str:
        return "there is nothing like that any more"


@dataclass(unsafe_hash=True)
class TooMany(PeopleRefusal):
    """There are as many `things` as there may be."""

    things: str
    limit: int

    def __str__(self) -> str:
        return f"there are {self.limit} {self.things} already, which is the most"
