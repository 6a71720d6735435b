"""How this Estafette stands, for whoever operates it: what waits, what is kept up, versions."""

from typing import NamedTuple

from estafette.store import ends, migrate
from estafette.store.ends import Removed
from estafette.store.webhooks import survey
from estafette.usecases.people.connect import reading
from estafette.usecases.platform import Platform


class Condition(NamedTuple):
    """What was found.

    `webhooks_waiting` counts messages that are to be sent, up to a bound, and
    `webhooks_oldest_seconds` tells for how long the first of them has been due; `upkeep` what has
    been removed of what is over.
    """

    database_version: str
    newer_migrations: list[str]
    webhooks_waiting: int
    webhooks_oldest_seconds: float
    upkeep: list[Removed]


async def look_at_condition(platform: Platform) -> Condition:
    """Looks at the database. Raises Busy or Unavailable."""
    async with reading(platform) as connection:
        version = connection.get_server_version()
        return Condition(
            database_version=f"{version.major}.{version.micro}",
            newer_migrations=await migrate.newer(connection),
            webhooks_waiting=(await survey.count(connection)).pending,
            webhooks_oldest_seconds=(await survey.survey(connection)).oldest_seconds,
            upkeep=await ends.done(connection),
        )
