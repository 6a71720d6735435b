"""The table of acts and roles."""

import pytest

from estafette.core.people.organisation import OrganisationKind
from estafette.core.people.permission import (
    GUEST,
    HEAD,
    ROLES,
    TABLE,
    PersonAct,
    Role,
    guest_may,
    guest_role,
    may,
)

EVERYWHERE = [(kind, role) for kind in OrganisationKind for role in ROLES[kind]]


def test_every_act_has_a_row() -> None:
    assert set(TABLE) == set(PersonAct)


def test_every_act_is_allowed_to_somebody() -> None:
    assert [act for act in PersonAct if not any(TABLE[act].values())] == []


@pytest.mark.parametrize("act", PersonAct)
def test_no_role_of_another_kind_of_organisation_is_allowed(act: PersonAct) -> None:
    for kind in OrganisationKind:
        assert all(not may(role, kind, act) for role in Role if role not in ROLES[kind])


@pytest.mark.parametrize("kind", OrganisationKind)
@pytest.mark.parametrize("act", PersonAct)
def test_whoever_heads_an_organisation_may_what_any_other_of_its_roles_may(
    kind: OrganisationKind, act: PersonAct
) -> None:
    is_drivers = act is PersonAct.STOPS_WORK  # a driver alone goes a driver's way
    assert may(HEAD[kind], kind, act) or not TABLE[act][kind] or is_drivers


@pytest.mark.parametrize(("kind", "role"), EVERYWHERE)
def test_only_the_head_decides_who_belongs_to_it(kind: OrganisationKind, role: Role) -> None:
    assert may(role, kind, PersonAct.TEAM_MANAGE) == (role is HEAD[kind])


@pytest.mark.parametrize("act", PersonAct)
def test_a_viewer_changes_nothing(act: PersonAct) -> None:
    harmless = ("see", "export")
    own = act is PersonAct.PROFILE_MANAGE
    if may(Role.VIEWER, OrganisationKind.ACCOUNT, act):
        assert own or act.partition(".")[2] in harmless


def test_a_guest_has_a_role_of_the_organisation_that_does_not_head_it() -> None:
    for kind, guests in GUEST.items():
        assert set(guests) <= set(ROLES[OrganisationKind.PLATFORM])
        assert all(role in ROLES[kind] and role is not HEAD[kind] for role in guests.values())


def test_a_guest_does_nothing_that_their_role_of_the_platform_may_not_do() -> None:
    company = OrganisationKind.COMPANY
    assert guest_may(Role.OWNER, company, PersonAct.CASH_COUNT)
    assert guest_may(Role.SUPPORT, company, PersonAct.ASSIGNMENTS_MANAGE)
    assert guest_may(Role.SUPPORT, OrganisationKind.ACCOUNT, PersonAct.DELIVERIES_CREATE)
    for act in (PersonAct.CASH_DECLARE, PersonAct.CASH_COUNT):
        assert not guest_may(Role.SUPPORT, company, act)
    for kind, guests in GUEST.items():
        for act, allowed in TABLE.items():
            for role in guests:
                of_platform = allowed[OrganisationKind.PLATFORM]
                if of_platform and role not in of_platform:
                    assert not guest_may(role, kind, act), (role, kind, act)


def test_nobody_is_a_guest_of_the_platform() -> None:
    assert all(guest_role(role, OrganisationKind.PLATFORM) is None for role in Role)
