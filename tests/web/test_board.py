"""The board: a company's dispatchers see what is under way, and give it to drivers."""

import re
from datetime import timedelta
from html import unescape
from uuid import uuid4

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Status
from estafette.core.fleet.position import Position, PositionSource
from estafette.core.people.permission import Role
from estafette.store.fleet import learned_speeds, position_history
from estafette.store.fleet.learned_speeds import LearnedSpeed
from estafette.usecases.deliveries.reschedule import reschedule
from estafette.usecases.deliveries.tracking import track
from estafette.usecases.fleet.board import MOST_DELIVERIES, find_of_company, look_at_board
from estafette.usecases.fleet.offer import offer
from estafette.usecases.fleet.shifts import start_shift
from estafette.usecases.fleet.steps import pick_up
from estafette.usecases.platform import clock
from tests.usecases.angola import new_shop
from tests.web.board_stage import Stage
from tests.web.drivers import sign_in_at_phone
from tests.web.people import form_of, sign_in_at_company


async def test_a_board_shows_what_is_under_way_and_who_could_carry_it(stage: Stage) -> None:
    delivery = await stage.delivery()
    await stage.driver("Aidos <b>")
    page = (await stage.dispatcher.get(stage.dispatcher.home)).body.decode()
    assert delivery.reference is not None
    assert delivery.reference in page
    assert "Aidos &lt;b&gt;" in page
    assert "Nobody" in page
    [aidos] = stage.drivers
    narrowed = await stage.dispatcher.get(f"{stage.dispatcher.home}?driver={aidos.id.hex}")
    assert "Only what Aidos &lt;b&gt; has or is offered." in narrowed.body.decode()
    assert "Other deliveries are under way." in narrowed.body.decode()
    rehearsal = stage.dispatcher.home.replace("/live", "/sandbox")
    assert delivery.reference not in (await stage.dispatcher.get(rehearsal)).body.decode()


async def test_deliveries_are_given_by_one_form_and_each_that_was_left_says_why(
    stage: Stage,
) -> None:
    first, second, third = [await stage.delivery() for _ in range(3)]
    small = await stage.driver("Ana", parcels=2)
    said = await stage.steer(
        "assign", *(f"{one.id.hex}." for one in (first, second, third)), driver=small
    )
    assert "2 deliveries given." in said
    assert "It does not fit into the vehicle" in said
    assert [await stage.has(one) for one in (first, second, third)] == [small.id, small.id, None]


async def test_who_lacks_a_skill_that_is_demanded_is_told_and_given_nothing(stage: Stage) -> None:
    cold, plain = await stage.delivery(skills=("cold <b>", "idade")), await stage.delivery()
    ana = await stage.driver("Ana", skills=["Idade"])
    rui = await stage.driver("Rui", skills=["IDADE", "Cold  <B>"])
    home = stage.dispatcher.home
    page = (await stage.dispatcher.get(home)).body.decode()
    assert "Demands: \u2068cold &lt;b&gt;\u2069, \u2068idade\u2069<" in page
    assert re.search(r">Ana \([^)]*\), lacks \u2068cold &lt;b&gt;\u2069<", page)
    assert re.search(r">Rui \([^)]*\)<", page)
    assert page.count(">lacks \u2068cold &lt;b&gt;\u2069<") == 1, "in the list beside, of Ana alone"
    ticked = [f"{one.id.hex}." for one in (cold, plain)]
    said = await stage.steer("assign", *ticked, driver=ana)
    assert "This driver lacks a skill that it demands: \u2068cold &lt;b&gt;\u2069." in said
    assert [await stage.has(one) for one in (cold, plain)] == [None, ana.id]

    await stage.steer("assign", ticked[0], driver=rui)
    await pick_up(stage.server.platform, stage.company_id, rui.id, cold.id)
    one = (await stage.dispatcher.get(f"{home}/deliveries/{cold.id.hex}")).body.decode()
    facts = one.partition("Demanded of the driver")[2].partition("</dd>")[0]
    assert re.findall(r'<span dir="auto">([^<]*)</span>', facts) == ["cold &lt;b&gt;", "idade"]
    assert ">Ana, lacks \u2068cold &lt;b&gt;\u2069<" in one, "who could take the parcel over"
    two = (await stage.dispatcher.get(f"{home}/deliveries/{plain.id.hex}")).body.decode()
    assert "Demanded of the driver" not in two


async def test_of_all_that_a_board_shows_none_is_left_out_without_a_word(stage: Stage) -> None:
    ticked = [f"{uuid4().hex}." for _ in range(MOST_DELIVERIES)]
    said = await stage.steer("take_back", *ticked)
    assert said.count("The company carries no such delivery.") == MOST_DELIVERIES
    form = {"do": "take_back", "delivery": [*ticked, ticked[0]]}
    answer = await stage.dispatcher.send(f"{stage.dispatcher.home}/assign", form)
    assert answer.status == 400


async def test_who_decides_on_an_old_page_does_not_undo_what_another_has_decided(
    stage: Stage,
) -> None:
    delivery = await stage.delivery()
    ana, rui = await stage.driver("Ana"), await stage.driver("Rui")
    nobody = f"{delivery.id.hex}."
    await stage.steer("assign", nobody, driver=ana)
    assert "look again" in await stage.steer("assign", nobody, driver=rui)
    assert await stage.has(delivery) == ana.id
    assert "1 delivery given." in await stage.steer(
        "assign", f"{delivery.id.hex}.{ana.id.hex}", driver=rui
    )
    assert "look again" in await stage.steer("take_back", f"{delivery.id.hex}.{ana.id.hex}")
    await stage.steer("take_back", f"{delivery.id.hex}.{rui.id.hex}")
    assert await stage.has(delivery) is None


async def test_what_a_driver_has_picked_up_is_not_taken_from_them(stage: Stage) -> None:
    delivery, ana = await stage.delivery(), await stage.driver("Ana")
    await stage.steer("assign", f"{delivery.id.hex}.", driver=ana)
    await pick_up(stage.server.platform, stage.company_id, ana.id, delivery.id)
    said = await stage.steer("take_back", f"{delivery.id.hex}.{ana.id.hex}")
    assert "The driver has already picked this parcel up." in said
    assert await stage.has(delivery) == ana.id


async def test_the_page_of_a_delivery_tells_who_was_asked(stage: Stage) -> None:
    delivery, ana = await stage.delivery(), await stage.driver("Ana")
    await stage.steer("assign", f"{delivery.id.hex}.", driver=ana)
    await stage.steer("take_back", f"{delivery.id.hex}.{ana.id.hex}")
    here = f"{stage.dispatcher.home}/deliveries/{delivery.id.hex}"
    page = (await stage.dispatcher.get(here)).body.decode()
    assert "Ana" in page
    assert "Taken back" in page
    found = await find_of_company(stage.server.platform, stage.company_id, Mode.LIVE, delivery.id)
    assert found is not None
    assert found.delivery.status is Status.PENDING
    other = await new_shop(stage.server.platform)
    await other.company(f"other-{uuid4().hex[:8]}")
    strange = await other.create()
    answer = await stage.dispatcher.get(f"{stage.dispatcher.home}/deliveries/{strange.id.hex}")
    assert answer.status == 404


async def test_a_board_shows_how_long_an_offer_is_open(stage: Stage) -> None:
    platform, delivery = stage.server.platform, await stage.delivery()
    ana = await stage.driver("Ana")
    await start_shift(platform, stage.company_id, ana.id, "a phone")
    await offer(platform, stage.company_id, delivery.id, ana.id, timedelta(seconds=600))
    here = stage.dispatcher.home
    for path in (here, f"{here}/deliveries/{delivery.id.hex}"):
        page = (await stage.dispatcher.get(path)).body.decode()
        found = re.search(r'data-left="(\d+)">(\d+):(\d\d)<', page)
        assert found is not None
        left, minutes, seconds = map(int, found.groups())
        assert left == 60 * minutes + seconds
        assert 400 < left <= 600


async def test_what_is_known_of_the_speed_of_drivers_is_shown(stage: Stage) -> None:
    page = (await stage.dispatcher.get(f"{stage.dispatcher.home}/company")).body.decode()
    assert "How fast drivers are" not in page
    of = (stage.company_id, "luanda", "motorcycle", "day", -8.84, 13.23)
    async with stage.server.platform.pool.acquire() as connection:
        await learned_speeds.keep(connection, [LearnedSpeed(*of, ratio=1.25, legs=412)])
    page = (await stage.dispatcher.get(f"{stage.dispatcher.home}/company")).body.decode()
    row = page.partition("How fast drivers are")[2]
    assert [one in row for one in ("Motorcycle", "Luanda", "by day", "19.2", "24", "412")] == 6 * [
        True
    ]


async def test_a_manager_keeps_the_list_of_drivers(stage: Stage) -> None:
    manager = await sign_in_at_company(stage.server, stage.company_id, Role.MANAGER, mode=Mode.LIVE)
    home = f"{manager.home}/drivers"
    about = {"name": "Rui", "phone": "923 000 001", "vehicle": "bicycle", "kilograms": "7,5"}
    wrong = await manager.fill(f"{home}/add", **{**about, "phone": "12"})
    assert wrong.status == 422
    assert "This is no phone number of a driver." in wrong.body.decode()
    added = await manager.follow(await manager.fill(f"{home}/add", **about))
    assert "Rui is saved." in added.body.decode()
    assert "7.5 kg" in added.body.decode()
    assert (await manager.fill(f"{home}/add", **about)).status == 409
    board = await look_at_board(stage.server.platform, stage.company_id, Mode.LIVE)
    [rui] = [one.driver for one in board.drivers]
    one = f"{home}/{rui.id.hex}"
    assert form_of(await manager.get(one), one).fields["kilograms"] == "7.5"
    for path, said in (("shift", "on shift"), ("pause", "given nothing further")):
        answer = await manager.send(f"{one}/{path}", {"on": "yes", "paused": "yes"})
        assert said in (await manager.follow(answer)).body.decode()
    answer = await manager.send(f"{one}/remove")
    assert "Rui is removed." in (await manager.follow(answer)).body.decode()
    assert (await manager.get(one)).status == 404
    dispatcher = await stage.dispatcher.get(f"{stage.dispatcher.home}/drivers/add")
    assert dispatcher.status == 403


async def test_what_a_dispatcher_writes_is_on_the_drivers_phone_until_it_is_read(
    stage: Stage,
) -> None:
    ana = await stage.driver("Ana")
    home = f"{stage.dispatcher.home}/drivers/{ana.id.hex}"
    empty = await stage.dispatcher.send(f"{home}/message", text=" \n")
    assert "1 to 500" in (await stage.dispatcher.follow(empty)).body.decode()
    text = "Gate 4, <b>left</b>\nring twice"
    sent = await stage.dispatcher.send(f"{home}/message", text=text)
    page = (await stage.dispatcher.follow(sent)).body.decode()
    assert "&lt;b&gt;left" in page
    assert "Not read yet" in page
    phone = await sign_in_at_phone(stage.server, ana)
    [message] = (await phone.get("/driver/day")).told["messages"]
    assert (message["text"], message["read"]) == (text, False)
    assert (await phone.send("/driver/messages", until=message["id"])).status == 204
    assert (await phone.get("/driver/day")).told["messages"][0]["read"]
    assert "Not read yet" not in (await stage.dispatcher.get(f"{home}/day")).body.decode()
    rui = await sign_in_at_phone(stage.server, await stage.driver("Rui"))
    assert (await rui.get("/driver/day")).told["messages"] == []
    assert (await rui.send("/driver/messages", until="x")).status == 400


async def test_driver_and_dispatcher_read_in_their_language_that_a_recipient_wants_another_time(
    stage: Stage,
) -> None:
    ana, delivery = await stage.driver("Ana"), await stage.delivery()
    await stage.steer("assign", f"{delivery.id.hex}.", driver=ana)
    shown = await track(stage.server.platform, delivery.id)
    assert shown is not None
    await reschedule(stage.server.platform, delivery.id, shown.times[-1].start)
    phone = await sign_in_at_phone(stage.server, ana, "pt")
    day = (await phone.get("/driver/day")).told
    [message] = day["messages"]
    assert f"{delivery.reference}: O destinatário escolheu outra hora: 20" in message["text"]
    assert day["stops"] == []
    page = await stage.dispatcher.get(f"{stage.dispatcher.home}/drivers/{ana.id.hex}/day")
    said = f"{delivery.reference}: The recipient chose another time: 20"
    assert said in page.body.decode()


async def test_driver_and_dispatcher_read_in_their_language_what_was_taken_in_one_message(
    stage: Stage,
) -> None:
    ana = await stage.driver("Ana", parcels=9)
    given = [await stage.delivery() for _ in range(7)]
    await stage.steer("assign", *(f"{one.id.hex}." for one in given), driver=ana)
    await stage.steer("take_back", *(f"{one.id.hex}.{ana.id.hex}" for one in given))
    phone = await sign_in_at_phone(stage.server, ana, "pt")
    [message] = (await phone.get("/driver/day")).told["messages"]
    assert message["text"].startswith(f"{given[0].reference}, {given[1].reference}, ")
    assert message["text"].endswith(f": {message['why']}")
    assert message["why"] == "Retirado pelo despachante"
    assert (len(message["about"]), len(message["stops"]), message["more"]) == (7, 5, 2)
    last = given[-1]
    assert message["stops"][0] == {
        "about": message["about"][-1],
        "kind": "pickup",
        "address": last.pickup.address,
        "reference": last.reference,
        "on_board": False,
        "again": False,
    }
    await stage.steer("assign", f"{last.id.hex}.", driver=ana)
    [message] = (await phone.get("/driver/day")).told["messages"]
    assert [stop["again"] for stop in message["stops"]] == [True, *[False] * 4]
    page = await stage.dispatcher.get(f"{stage.dispatcher.home}/drivers/{ana.id.hex}/day")
    assert f"{last.reference}: Taken back by the dispatcher" in page.body.decode()
    assert "Not read yet" in page.body.decode()


async def test_a_drivers_day_shows_the_way_and_what_was_carried(stage: Stage) -> None:
    delivery, ana = await stage.delivery(), await stage.driver("Ana")
    await stage.steer("assign", f"{delivery.id.hex}.", driver=ana)
    now = clock()
    seen = [
        Position(stage.company_id, ana.id, now, now, -8.83 - step / 100, 13.24, PositionSource.PAGE)
        for step in range(3)
    ]
    async with stage.server.platform.pool.acquire() as connection:
        await position_history.keep(connection, (), seen)
    home = f"{stage.dispatcher.home}/drivers/{ana.id.hex}/day"
    page = (await stage.dispatcher.get(home)).body.decode()
    assert delivery.reference is not None
    assert delivery.reference in page
    assert "[13.24, -8.85]" in unescape(page)
    earlier = (now - timedelta(days=40)).date().isoformat()
    before = (await stage.dispatcher.get(f"{home}?day={earlier}")).body.decode()
    assert delivery.reference not in before
    assert f'value="{earlier}"' in before
    assert "No position of this day is known." in before
