"""What the worker is compared with: a loop that posts ready requests by aiohttp, and no more.

`python -m bench.bare_loop URL FILE CONCURRENCY` posts each line of FILE (headers and body, signed)
over that many connections, reads the answers and prints how many were not 200. No database, no
rendering, no signing, no guard, no time limits.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import uvloop


def _read(file: Path) -> list[tuple[dict[str, str], bytes]]:
    requests: list[tuple[dict[str, str], bytes]] = []
    for line in file.read_text().splitlines():
        request = json.loads(line)
        requests.append((request["headers"], request["body"].encode()))
    return requests


async def _post_all(
    url: str, waiting: Iterator[tuple[dict[str, str], bytes]], concurrency: int
) -> int:
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout()
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        refused = await asyncio.gather(*(_post(session, url, waiting) for _ in range(concurrency)))
    return sum(refused)


async def _post(
    session: aiohttp.ClientSession, url: str, waiting: Iterator[tuple[dict[str, str], bytes]]
) -> int:
    refused = 0
    for headers, body in waiting:
        async with session.post(url, data=body, headers=headers) as response:
            await response.read()
            refused += response.status != 200
    return refused


if __name__ == "__main__":
    found = uvloop.run(_post_all(sys.argv[1], iter(_read(Path(sys.argv[2]))), int(sys.argv[3])))
    print(json.dumps({"refused": found}))
