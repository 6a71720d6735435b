"""Keep a filter of deliveries under a name, see those kept, remove one."""

from uuid import UUID

from estafette.core.ids import new_id
from estafette.store.deliveries import saved_filters as store
from estafette.store.deliveries.saved_filters import MOST, SavedFilter
from estafette.usecases.platform import Platform

__all__ = [
    "LONGEST_NAME",
    "LONGEST_QUERY",
    "MOST",
    "SavedFilter",
    "TooManyFiltersError",
    "remove_filter",
    "save_filter",
    "saved_filters",
]

LONGEST_NAME = 60
"""How long the name of a filter may be, in characters."""

LONGEST_QUERY = 1_000
"""How long the query of a filter may be, in characters."""


class TooManyFiltersError(Exception):
    """The person keeps `MOST` filters in the account already."""


async def saved_filters(platform: Platform, person_id: UUID, account_id: UUID) -> list[SavedFilter]:
    """The filters that a person keeps in an account, by name."""
    async with platform.connections.account(account_id) as connection:
        return await store.of_person(connection, person_id, account_id)


async def save_filter(
    platform: Platform, person_id: UUID, account_id: UUID, name: str, query: str
) -> None:
    """Keeps a filter, in the place of the person's one of that name.

    Raises TooManyFiltersError, and ValueError for a name or a query that is empty or too long.
    """
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME or len(query) > LONGEST_QUERY:
        raise ValueError(name)
    new = SavedFilter(new_id(), name, query)
    async with platform.connections.account(account_id) as connection, connection.transaction():
        if not await store.save(connection, person_id, account_id, new):
            raise TooManyFiltersError


async def remove_filter(platform: Platform, person_id: UUID, account_id: UUID, id: UUID) -> None:
    """Removes a filter, if the person keeps it in the account."""
    async with platform.connections.account(account_id) as connection:
        await store.remove(connection, person_id, account_id, id)
