"""What Estafette has noted in English is shown in the reader's language, wherever it is shown."""

from html import unescape

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.failing import LEFT
from estafette.core.fleet.reasons import SILENT, DriverReason, Noted, in_english
from estafette.core.fleet.setting_out import NEAR, NEXT
from estafette.core.people.permission import Role
from estafette.http.texts import LANGUAGES, Reader, read_by
from estafette.usecases.couriers.dispatch import NOT_KNOWN, NOT_TAKEN
from estafette.usecases.deliveries.confirm import CONFIRMED
from estafette.usecases.fleet.answers import explained
from estafette.usecases.fleet.take_back import take_back
from estafette.web.noted import noted
from tests.serving import Server
from tests.web.drivers import DriverStage, driver_stage
from tests.web.people import PersonAtBrowser, sign_in, sign_in_at_company
from tests.web.tracking_samples import public

DONE = ("done", "")
OURS = [
    *Noted,
    *(in_english(reason) for reason in DriverReason),
    *(LEFT, NEAR, NEXT, NOT_KNOWN, NOT_TAKEN, CONFIRMED),
    SILENT.format(minutes=12),
    "2 attempts: returned as DLV-2026-00178",
    "1 attempt: discarded",
    "the delivery is delivered",
    explained({"asked": ["one"] * 3, "refused": 2, "silent": 1}),
    explained({"metres": 940, "seconds": 200, "engine": "nearest"}),
    explained({"metres": 12_300, "seconds": 600, "engine": "vroom"}),
]


@pytest.fixture
async def stage(server: Server) -> DriverStage:
    return await driver_stage(server)


@pytest.mark.parametrize("text", OURS)
def test_what_is_ours_is_said_otherwise_in_every_language(text: str) -> None:
    said: set[str | None] = set()
    for language in LANGUAGES:
        with read_by(Reader(language)):
            said.add(noted(text))
    assert len(said) == len(LANGUAGES)
    assert None not in said


@pytest.mark.parametrize("text", [None, "", "volto amanhã", "pickup closed: amanhã", "2 attempts"])
def test_what_people_have_written_stays_as_it_is(text: str | None) -> None:
    with read_by(Reader("ru")):
        assert noted(text) == text


def test_a_drivers_own_words_stand_behind_the_reason() -> None:
    with read_by(Reader("pt")):
        said = noted(in_english(DriverReason.PICKUP_CLOSED, "volto amanhã"))
    assert said == "O ponto de recolha está fechado: volto amanhã"


async def test_who_hands_back_or_refuses_is_understood_by_merchant_company_platform_and_recipient(
    stage: DriverStage,
) -> None:
    server, account = stage.server, stage.tenant.account
    ze = await stage.driver_at_phone()
    delivery = await stage.delivery()
    given = await stage.given(ze.driver, delivery)
    assert await ze.tap("handed_back", given.id, reason="pickup_closed", note="amanhã") == DONE
    offer = await stage.offered(ze.driver, delivery)
    assert await ze.tap("offer_refused", offer.id, reason="too_far") == DONE
    await stage.given(ze.driver, delivery)
    await take_back(server.platform, stage.company_id, delivery.id)

    merchant = await sign_in(server, account, Role.VIEWER, mode=Mode.LIVE, language="pt")
    dispatcher = await sign_in_at_company(
        server, stage.company_id, Role.DISPATCHER, mode=Mode.LIVE, language="pt"
    )
    owner = await sign_in(server, language="pt")
    board = await read(dispatcher, f"{dispatcher.home}/deliveries/{delivery.id.hex}")
    pages = [
        board,
        await read(merchant, f"{merchant.home}/deliveries/{delivery.id.hex}"),
        await read(owner, f"/office/deliveries/{delivery.id.hex}"),
    ]
    for page in pages:
        assert "O ponto de recolha está fechado: amanhã" in page
        assert "O despachante retirou-a" in page
    assert "É demasiado longe" in board
    tracked = await read(merchant, f"/track/{public(delivery.id)}?lang=pt")
    assert "O ponto de recolha está fechado." in tracked
    assert "amanhã" in tracked
    for page in [*pages, tracked]:
        for raw in ("the pickup", "pickup closed", "pickup_closed", "too_far", "the dispatcher"):
            assert raw not in page.casefold(), raw


async def read(who: PersonAtBrowser, path: str) -> str:
    answer = await who.get(path)
    assert answer.status == 200, answer.body
    return unescape(answer.body.decode())
