"""The page at the root of the composed server."""

import aiohttp

from estafette.app import PLACES
from tests.serving import running


async def test_the_root_leads_to_every_place_and_runs_nothing(postgres_dsn: str) -> None:
    async with running(postgres_dsn) as server, aiohttp.ClientSession(server.url) as client:
        answer = await client.get("/")
        html = await answer.text()
        assert answer.status == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "<script" not in html
        for place in PLACES:
            assert f'href="{place.path}"' in html
            assert (await client.get(place.path)).status == 200
