"""The page at the root of the composed server."""

import re

import aiohttp
from yarl import URL

from estafette.app import RECORDS
from estafette.core.people.permission import Role
from tests.edges import ENTREGA
from tests.serving import running
from tests.web.people import sign_in


async def test_the_root_leads_to_every_place_from_this_server_alone(postgres_dsn: str) -> None:
    async with running(postgres_dsn) as server, aiohttp.ClientSession(server.url) as client:
        answer = await client.get("/")
        html = await answer.text()
        assert answer.status == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        links = re.findall(r'(?:href|src)="([^"#?]+)"', html)
        public_url = server.platform.public_url
        docs = [one.introduction.docs_url(public_url) for one in RECORDS]
        assert {*(url.removeprefix(public_url) for url in docs), "/sandbox/docs"} <= {*links}
        for link in map(URL, links):
            host = {"Host": link.host} if link.host else {}
            assert (await client.get(link.path, headers=host)).status == 200


async def test_the_root_speaks_the_language_of_its_reader(postgres_dsn: str) -> None:
    async with running(postgres_dsn) as server, aiohttp.ClientSession(server.url) as client:
        answer = await client.get("/", headers={"Accept-Language": "kk, ru;q=0.5"})
        assert answer.headers["content-language"] == "kk"
        assert "Әзірлеушілерге" in await answer.text()
        asked = await client.get("/?lang=pt", headers={"Accept-Language": "kk"})
        assert '<html lang="pt">' in await asked.text()


async def test_the_root_leads_who_signed_in_to_their_organisations(postgres_dsn: str) -> None:
    async with running(postgres_dsn) as server:
        tenant = await server.tenant(ENTREGA)
        dana = await sign_in(server, tenant.account, Role.DEVELOPER)
        page = await dana.get("/")
        text = page.body.decode()
        assert dana.person is not None
        assert f"Hello, {dana.person.name}" in text
        assert f'href="/console/{tenant.account.id.hex}' in text
        assert "Developer" in text
        assert "/sign-in" not in text
        assert page.headers["cache-control"] == "no-store"
        assert '"/sign-in"' in (await server.request("GET", "/")).body.decode()
