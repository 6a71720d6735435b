"""A worker in a process of its own, for a test that kills it.

Arguments: the database's DSN, the key of the secrets, and the gateway's URL.
"""

import asyncio
import sys

from tests.notifications.stage import gateway, worker_with
from tests.usecases.stage import platform_over


async def work(dsn: str, key: str, url: str) -> None:
    """Works until it is killed."""
    async with platform_over(dsn, key=key) as platform, gateway(url) as sender:
        await worker_with(platform, sender).loop.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:4]))
