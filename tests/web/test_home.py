"""The page at the root of the composed server."""

import re

import aiohttp
from yarl import URL

from estafette.app import RECORDS
from tests.serving import running


async def test_the_root_leads_to_every_place_and_runs_nothing(postgres_dsn: str) -> None:
    async with running(postgres_dsn) as server, aiohttp.ClientSession(server.url) as client:
        answer = await client.get("/")
        html = await answer.text()
        assert answer.status == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "<script" not in html
        links = re.findall(r'href="([^"]*)"', html)
        public_url = server.platform.public_url
        docs = [one.introduction.docs_url(public_url) for one in RECORDS]
        assert links == [*(url.removeprefix(public_url) for url in docs), "/sandbox/docs"]
        for link in map(URL, links):
            host = {"Host": link.host} if link.host else {}
            assert (await client.get(link.path, headers=host)).status == 200
