"""A worker in a process of its own, for tests that kill it.

Arguments: the database's DSN, the key of the secrets, the worker's name, the lease in seconds,
and "plain" for the renderer of the tests or "dialects" for those of Estafette's dialects.
SIGTERM stops it in an orderly way.
"""

import asyncio
import signal
import sys

from estafette.app import RENDERERS
from estafette.store.pool import open_pool
from estafette.usecases.accounts.secrets import Cipher
from estafette.webhooks.message import Renderer
from estafette.webhooks.retry import RetrySchedule, doubling
from estafette.webhooks.sender import Sender
from estafette.webhooks.worker import Limits, WebhookWorker
from tests.usecases.stage import DIALECT
from tests.webhooks.stage import LOOPBACK, PlainRenderer

# Far longer than a machine takes that is very busy: five exchanges that are too late in a row would
# let the endpoint rest, for longer each time.
SCHEDULE = RetrySchedule(doubling(0.2, 20), timeout_seconds=20)


async def work(dsn: str, key: str, name: str, lease_seconds: float, words: str) -> None:
    """Works until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    pool = await open_pool(dsn, size=4)
    limits = Limits(lease_seconds=lease_seconds, poll_seconds=0.2)
    plain: dict[str, Renderer] = {DIALECT.name: PlainRenderer(SCHEDULE)}
    renderers = RENDERERS if words == "dialects" else plain
    async with Sender(LOOPBACK) as sender:
        decrypt = Cipher(key).decrypt
        await WebhookWorker(pool, dsn, renderers, sender, decrypt, limits, name=name).run(stop)
    await pool.close()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]), sys.argv[5]))
