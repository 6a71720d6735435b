"""Two who decide about one delivery at the same moment: one of them does, and the other is told."""

import asyncio

from tests.web.board_stage import Stage
from tests.web.drivers import sign_in_at_phone

_TIMES = 4


async def test_of_two_dispatchers_who_give_one_delivery_away_one_does_and_one_is_told(
    stage: Stage,
) -> None:
    both = ana, rui = await stage.driver("Ana"), await stage.driver("Rui")
    for _ in range(_TIMES):
        delivery = await stage.delivery()
        nobody = f"{delivery.id.hex}."
        said = await asyncio.gather(*(stage.steer("assign", nobody, driver=one) for one in both))
        done = ["1 delivery given." in page for page in said]
        assert sorted(done) == [False, True]
        assert "look again" in said[done.index(False)]
        assert await stage.has(delivery) == (ana, rui)[done.index(True)].id


async def test_what_is_given_to_another_while_its_driver_picks_it_up_is_with_one_of_them(
    stage: Stage,
) -> None:
    ana, rui = await stage.driver("Ana", parcels=9), await stage.driver("Rui", parcels=9)
    phone = await sign_in_at_phone(stage.server, ana)
    for _ in range(_TIMES):
        delivery = await stage.delivery()
        of = delivery.id.hex
        await stage.steer("assign", f"{of}.", driver=ana)
        stop = next(one for one in (await phone.day())["stops"] if one["kind"] == "pickup")
        said, tapped = await asyncio.gather(
            stage.steer("assign", f"{of}.{ana.id.hex}", driver=rui),
            phone.tap("picked_up", stop["about"]),
        )
        if tapped == ("done", ""):
            assert "has already picked this parcel up" in said
            assert await stage.has(delivery) == ana.id
        else:
            assert tapped == ("refused", "taken_back")
            assert "1 delivery given." in said
            assert await stage.has(delivery) == rui.id
