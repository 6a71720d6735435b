"""Another time: a recipient chooses one on the tracking page, and it is what is promised then."""

import re
from urllib.parse import urlencode

import pytest

from estafette.core.deliveries.delivery import Status
from estafette.web.tracking.texts import LANGUAGES
from tests.edges import ENTREGA
from tests.serving import Answer, Server

_FORM = {"content-type": "application/x-www-form-urlencoded"}


async def chosen(server: Server, id: str, when: str, language: str = "en") -> Answer:
    path, body = f"/track/{id}/when?lang={language}", urlencode({"when": when}).encode()
    return await server.request("POST", path, body, _FORM)


async def shown(server: Server, path: str) -> str:
    return (await server.request("GET", path)).body.decode()


@pytest.mark.parametrize("language", sorted(LANGUAGES))
async def test_a_time_is_chosen_without_javascript_and_the_page_says_so(
    server: Server, language: str
) -> None:
    tenant, words = await server.tenant(ENTREGA), LANGUAGES[language].when
    id = await tenant.create("when")
    link = f'href="/track/{id}/when?lang={language}"'
    assert link in await shown(server, f"/track/{id}?lang={language}")
    form = await shown(server, f"/track/{id}/when?lang={language}")
    offered = re.findall(r'name="when" value="([^"]+)"[^>]*><span>([^<]+)', form)
    assert offered
    value, name = offered[-1]
    answer = await chosen(server, id, value, language)
    thanks = words.thanks.split("{")[0]
    assert thanks in answer.body.decode()
    page = await shown(server, f"/track/{id}?lang={language}")
    assert name in page
    assert LANGUAGES[language].rescheduled.step in page
    again = await shown(server, f"/track/{id}/when?lang={language}")
    assert value not in again
    told = await tenant.ask(ENTREGA.get(id))
    assert told["data"]["window"]["from"].startswith(value.removesuffix("Z"))


async def test_it_is_refused_in_words_what_is_not_offered_and_where_the_courier_is_near(
    server: Server,
) -> None:
    tenant, words = await server.tenant(ENTREGA), LANGUAGES["en"].when
    id = await tenant.create("refused")
    for when in ("", "soon", "2020-01-01T08:00Z", "x" * 500):
        answer = await chosen(server, id, when)
        assert answer.status == 422
        assert words.late in answer.body.decode()
    assert (await server.request("POST", f"/track/{id}/when", {"when": "x"})).status == 400
    assert (await chosen(server, id, "x" * 5_000)).status == 400
    await tenant.move(id, Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY)
    assert "/when" not in await shown(server, f"/track/{id}")
    assert words.at_the_door in await shown(server, f"/track/{id}/when?lang=en")
    assert (await chosen(server, id, "2020-01-01T08:00Z")).status == 422
    await tenant.move(id, Status.DELIVERED)
    assert "<form" not in (await chosen(server, id, "x")).body.decode()
    nobody = f"{id[:-4]}aaaa"
    assert (await chosen(server, nobody, "x")).status == 404
