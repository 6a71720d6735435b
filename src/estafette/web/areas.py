"""The places that people's pages are in, and the way from each page to the others."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from estafette.core.accounts.account import Mode
from estafette.core.people.organisation import OrganisationKind
from estafette.core.people.permission import PersonAct
from estafette.http.shell import Group, Link, Notice, Shell, Tone
from estafette.http.texts import N_, gettext

if TYPE_CHECKING:
    from estafette.web.visit import Visit


class Entry(NamedTuple):
    """A page in the navigation of an area: its path there, its name, its sign, what act it is."""

    path: str
    name: str
    icon: str
    act: PersonAct


class Section(NamedTuple):
    """Entries of a navigation that belong together, under a name or none."""

    name: str
    entries: Sequence[Entry]


class Area(NamedTuple):
    """A place with pages: its name, and its navigation."""

    name: str
    sections: Sequence[Section]


_SIGNS = {
    OrganisationKind.PLATFORM: "building-2",
    OrganisationKind.ACCOUNT: "store",
    OrganisationKind.COMPANY: "truck",
}
_MODES = {Mode.LIVE: N_("Live"), Mode.SANDBOX: N_("Sandbox")}


def shell_of(visit: "Visit", area: Area | None, notices: Sequence[Notice]) -> Shell:
    """Returns the frame of a page of this visit: where it is, and where else the person may go."""
    query = visit.request.query_params.multi_items()
    if not visit.is_signed_in:
        return Shell(notices=notices, path=visit.path, query=query)
    doors = [Link(door.path, door.name, _SIGNS[door.organisation.kind]) for door in visit.doors]
    mine = Shell(
        groups=[Group(doors), Group(_personal(visit))],
        organisations=[
            Link(door.path, door.name, is_current=_is_here(visit, door.path))
            for door in visit.doors
        ],
        person=visit.person.name,
        personal=_personal(visit),
        notices=notices,
        path=visit.path,
        query=query,
    )
    if visit.room is None or area is None:
        return mine
    has_modes = visit.organisation.kind is not OrganisationKind.PLATFORM
    if visit.is_guest:
        notices = [_guest(visit), *notices]
    return Shell(
        area=gettext(area.name),
        organisation=_name(visit) if has_modes else "",
        organisations=mine.organisations,
        mode=visit.mode if has_modes else None,
        modes=_modes(visit) if has_modes else (),
        groups=[group for section in area.sections if (group := _group(visit, section)).links],
        person=mine.person,
        personal=mine.personal,
        notices=notices,
        path=visit.path,
        query=query,
    )


def _name(visit: "Visit") -> str:
    """Returns what the account or company of a page is called."""
    is_company = visit.organisation.kind is OrganisationKind.COMPANY
    return visit.company.name if is_company else visit.account.name


def _guest(visit: "Visit") -> Notice:
    said = gettext(
        "You belong to the platform, and look at %(account)s as a guest.",
        account=_name(visit),
    )
    return Notice(said, Tone.INFO, Link("/office", gettext("Back to the office")))


def _personal(visit: "Visit") -> list[Link]:
    links = (("/me", N_("Profile"), "user-round"), ("/me/security", N_("Security"), "shield-check"))
    return [Link(path, gettext(name), icon, path == visit.path) for path, name, icon in links]


def _group(visit: "Visit", section: Section) -> Group:
    links = [_link(visit, entry) for entry in section.entries if visit.may(entry.act)]
    return Group(links, gettext(section.name) if section.name else "")


def _link(visit: "Visit", entry: Entry) -> Link:
    href = f"{visit.home}{entry.path}"
    is_current = visit.path == href or (bool(entry.path) and visit.path.startswith(f"{href}/"))
    return Link(href, gettext(entry.name), entry.icon, is_current)


def _modes(visit: "Visit") -> list[Link]:
    """Returns the same page in either mode; a page of one thing has no like in the other one."""
    rest = visit.path.removeprefix(visit.home)
    tail = rest if rest.count("/") <= 1 else rest[: rest.index("/", 1)]
    return [
        Link(
            f"{visit.home.rpartition('/')[0]}/{mode}{tail}",
            gettext(name),
            is_current=mode is visit.mode,
        )
        for mode, name in _MODES.items()
    ]


def _is_here(visit: "Visit", path: str) -> bool:
    """Returns whether a door is that of the organisation whose page this is."""
    return visit.path == path or visit.path.startswith(f"{path}/")
