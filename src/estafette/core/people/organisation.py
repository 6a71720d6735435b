"""To what a person belongs: the platform itself, an account, or a courier company."""

from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


class OrganisationKind(StrEnum):
    """What kind of organisation it is."""

    PLATFORM = "platform"
    """Those who operate this Estafette."""
    ACCOUNT = "account"
    """A merchant."""
    COMPANY = "company"
    """A courier company."""


class Organisation(NamedTuple):
    """An organisation: its kind, and the id of the account or company."""

    kind: OrganisationKind
    id: UUID


PLATFORM = Organisation(OrganisationKind.PLATFORM, UUID(int=0))
"""The platform, of which there is one."""
