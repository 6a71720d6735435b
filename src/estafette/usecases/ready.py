"""Can this process serve?"""

from estafette.store import migrate
from estafette.usecases.platform import Platform


async def is_ready(platform: Platform) -> bool:
    """Whether the database answers and is of this version or a newer one.

    A newer one serves this version as well (see `store.migrate`): while versions change, balancers
    keep both. Raises OSError, asyncpg.PostgresError or TimeoutError when it does not answer.
    """
    async with platform.pool.acquire() as connection:
        return not await migrate.pending(connection)
