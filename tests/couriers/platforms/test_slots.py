"""How many errands run at a time, for whom: without a database, a socket or a clock."""

from uuid import UUID, uuid4

from estafette.core.couriers.dispatch import Room
from estafette.couriers.platforms.slots import AT_ONCE, LOOKING, PLACING, ErrandSlots, Manners

WELL, NEW, DEAD = Manners(answers=True), Manners(), Manners(answers=False)


def slots(**of: tuple[UUID, Manners]) -> tuple[ErrandSlots, dict[UUID, Manners]]:
    known = dict(of.values())
    return ErrandSlots(lambda id: known.get(id, NEW)), known


def test_a_company_that_does_not_answer_is_asked_one_thing_at_a_time() -> None:
    id = uuid4()
    some, _ = slots(dead=(id, DEAD))
    some.begun(id, is_look=False)
    rooms, _ = some.rooms()
    assert rooms.of[id] == Room(0, 1)


def test_more_is_looked_at_where_it_answers_well_and_less_where_it_does_not() -> None:
    id = uuid4()
    some, known = slots(well=(id, WELL))
    for _ in range(20):
        some.begun(id, is_look=True)
        some.ended(id, is_look=True)
    assert some.rooms()[0].of[id] == Room(PLACING, LOOKING)
    known[id] = Manners(rests_for=1.0, answers=True)
    some.begun(id, is_look=True)
    some.ended(id, is_look=True)
    assert some.rooms()[0].of[id] == Room(0, 0)
    known[id] = WELL
    assert some.rooms()[0].of[id] == Room(PLACING, LOOKING // 2)


def test_who_rests_is_asked_nothing_and_the_worker_hears_until_when() -> None:
    id, other = uuid4(), uuid4()
    some, known = slots(one=(id, WELL), two=(other, WELL))
    for each in (id, other):
        some.begun(each, is_look=False)
        some.ended(each, is_look=False)
    assert some.rooms()[1] is None
    known[id], known[other] = Manners(9.0, answers=False), Manners(4.0, answers=True)
    rooms, rests = some.rooms()
    assert (rooms.of[id], rooms.of[other], rests) == (Room(0, 0), Room(0, 0), 4.0)


def test_companies_that_have_not_answered_leave_half_of_the_places_to_the_others() -> None:
    well = uuid4()
    some, _ = slots(well=(well, WELL))
    some.begun(well, is_look=False)
    for _ in range(AT_ONCE // 2):
        some.begun(uuid4(), is_look=False)
    rooms, _ = some.rooms()
    assert (rooms.unproven, rooms.proven) == (0, [well])
    assert rooms.most.placing > 0


def test_neither_placing_nor_looking_takes_every_place() -> None:
    for is_look in (True, False):
        some, known = slots()
        for _ in range(AT_ONCE // PLACING):
            id = uuid4()
            known[id] = WELL
            for _ in range(PLACING):
                if some.rooms()[0].most[is_look] > 0:
                    some.begun(id, is_look=is_look)
        rooms, _ = some.rooms()
        assert rooms.most[is_look] == 0
        assert rooms.most[not is_look] > 0
        assert rooms.in_all > 0
