"""Price lists: what a market or a courier company asks; taken out as CSV, compared, taken in."""

from typing import Final
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.accounts.account import MARKETS
from estafette.core.couriers.company import Company
from estafette.core.edition import EditedMeanwhileError
from estafette.core.people.permission import PersonAct
from estafette.core.quotes.tariff_changes import TariffChange
from estafette.core.quotes.tariff_file import (
    LONGEST,
    TariffFileError,
    TariffFileProblem,
    price_list_text,
    tariffs_to_csv,
)
from estafette.http.formats import exact_span
from estafette.http.shell import Tone
from estafette.http.texts import gettext, ngettext
from estafette.usecases.couriers.companies import CompanyNotFoundError, company_of
from estafette.usecases.quotes.tariffs import compare_tariffs, import_tariffs, price_list
from estafette.web.asked import id_in
from estafette.web.parts import Column
from estafette.web.session import SAFE
from estafette.web.visit import Page, Visit, page, render

_FOLDER: Final = "web/office/templates"
_SHOWN: Final = 200
"""How many rows of a list, or of what changes, a page shows; the file has all of them."""

_PIECE: Final = 15_000
"""How many characters of a file a field of the form takes: each of four bytes at most."""

_LIMIT: Final = LONGEST * 4 + 1024 * 1024


def pages(home: str) -> tuple[Page, ...]:
    """Returns the pages of price lists below the path of the office."""
    see, edit = PersonAct.TARIFFS_SEE, PersonAct.TARIFFS_EDIT
    found: list[Page] = [page(f"{home}/tariffs", see, show)]
    for one in (f"{home}/tariffs/{{market}}", f"{home}/companies/{{company}}/tariffs"):
        found += [
            page(one, see, show_one),
            page(f"{one}/file", see, export),
            page(f"{one}/compare", edit, compare, ("GET", "POST"), limit=_LIMIT),
            page(f"{one}/take", edit, take, ("POST",), limit=_LIMIT),
        ]
    return tuple(found)


class _Owner:
    """Whose price list a page is: a market's, or a courier company's in one."""

    def __init__(self, visit: Visit, market: str, company: Company | None) -> None:
        self.market = market
        self.company_id: UUID | None = company and company.id
        self.name = company.name if company else market
        self.currency = MARKETS[market].currency
        folder = f"companies/{company.id.hex}/tariffs" if company else f"tariffs/{market}"
        self.path = f"{visit.home}/{folder}"
        self.back = f"{visit.home}/companies/{company.id.hex}" if company else None


async def show(request: Request, visit: Visit) -> Response:
    """Shows whose price lists there are: of markets, and where those of companies are."""
    lists = [
        (market, await price_list(visit.platform, market.code))
        for market in sorted(MARKETS.values(), key=lambda market: market.code)
    ]
    return render(
        visit,
        f"{_FOLDER}/tariffs.html",
        columns=(
            Column("market", gettext("Market")),
            Column("currency", gettext("Currency")),
            Column("rows", gettext("Rows"), "number"),
        ),
        lists=lists,
    )


async def show_one(request: Request, visit: Visit) -> Response:
    """Shows a price list."""
    owner = await _owner(request, visit)
    opened = await price_list(visit.platform, owner.market, owner.company_id)
    return render(
        visit,
        f"{_FOLDER}/tariff.html",
        owner=owner,
        columns=_columns(),
        rows=opened.tariffs[:_SHOWN],
        count=len(opened.tariffs),
        duration=exact_span,
        may_edit=visit.may(PersonAct.TARIFFS_EDIT),
    )


async def export(request: Request, visit: Visit) -> Response:
    """Gives a price list as the file that can be edited and taken in again."""
    owner = await _owner(request, visit)
    opened = await price_list(visit.platform, owner.market, owner.company_id)
    name = f"tariffs-{owner.company_id.hex if owner.company_id else owner.market}.csv"
    return Response(
        tariffs_to_csv(opened.tariffs),
        media_type="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


async def compare(request: Request, visit: Visit) -> Response:
    """Shows the form for a new list, or what the list in it would change, to be confirmed."""
    owner = await _owner(request, visit)
    if request.method in SAFE:
        return _form(visit, owner)
    try:
        text = _text(visit)
    except UnicodeDecodeError:
        return _form(visit, owner, [(gettext("The file is not in UTF-8 or UTF-16."), "")])
    return await _compared(visit, owner, text)


async def _compared(
    visit: Visit, owner: _Owner, text: str, status: int = 200, *, is_late: bool = False
) -> Response:
    try:
        proposal = await compare_tariffs(visit.platform, owner.market, text, owner.company_id)
    except TariffFileError as error:
        return _form(visit, owner, list(map(_mistake, error.problems)), text)
    return render(
        visit,
        f"{_FOLDER}/tariff_changes.html",
        status=status,
        owner=owner,
        proposal=proposal,
        columns=(Column("change", gettext("Kind of change")), *_columns()),
        changes=proposal.changes[:_SHOWN],
        counts=_counts(proposal.changes),
        pieces=[text[at : at + _PIECE] for at in range(0, len(text), _PIECE)],
        duration=exact_span,
        is_late=is_late,
    )


async def take(request: Request, visit: Visit) -> Response:
    """Puts the list that was compared in the place of the one there was.

    Where somebody else has replaced that in the meantime, the changes from what is there now are
    shown, to be confirmed anew; nothing of the file is lost.
    """
    owner = await _owner(request, visit)
    text = "".join(visit.form.values("piece"))
    edition = visit.form.value("edition")

    async def do() -> Response:
        try:
            rows = await import_tariffs(
                visit.platform, owner.market, text, owner.company_id, edition
            )
        except EditedMeanwhileError:
            return await _compared(visit, owner, text, 409, is_late=True)
        except TariffFileError as error:
            return _form(visit, owner, list(map(_mistake, error.problems)), text)
        said = ngettext(
            "The list of %(count)s row is taken.", "The list of %(count)s rows is taken.", rows
        )
        return visit.go(owner.path, said, Tone.GOOD)

    return await visit.once(do)


def _form(
    visit: Visit, owner: _Owner, mistakes: list[tuple[str, str]] | None = None, text: str = ""
) -> Response:
    """Shows the form for a new list; what was pasted stays in it where a field can hold it."""
    return render(
        visit,
        f"{_FOLDER}/tariff_compare.html",
        status=422 if mistakes else 200,
        owner=owner,
        mistakes=mistakes or [],
        text=text if len(text) <= _PIECE else "",
    )


def _text(visit: Visit) -> str:
    """Returns the list that was sent: the file, or what was pasted. Raises UnicodeDecodeError."""
    file = visit.form.file("file")
    if file is not None and file.body:
        return price_list_text(file.body)
    return visit.form.value("text")


def _mistake(problem: TariffFileProblem) -> tuple[str, str]:
    said = gettext(problem.reason.mistake, **problem.reason.facts)
    return gettext("Line %(line)s", line=problem.line), said


def _counts(changes: list[TariffChange]) -> tuple[int, int, int]:
    """Returns how many rows are added, changed and removed."""
    added = sum(change.before is None for change in changes)
    removed = sum(change.after is None for change in changes)
    return added, len(changes) - added - removed, removed


def _columns() -> tuple[Column, ...]:
    return (
        Column("route", gettext("From and to")),
        Column("km", gettext("Up to, km"), "number"),
        Column("grams", gettext("Up to, g"), "number"),
        Column("fee", gettext("Fee"), "number"),
        Column("pickup", gettext("Picked up within"), "number"),
        Column("delivery", gettext("Delivered within"), "number"),
    )


async def _owner(request: Request, visit: Visit) -> _Owner:
    """Returns whose list the path names. Raises HTTPException 404."""
    named = request.path_params
    if "market" in named:
        if named["market"] not in MARKETS:
            raise HTTPException(404)
        return _Owner(visit, named["market"], None)
    try:
        company = await company_of(visit.platform, id_in(named["company"]))
    except CompanyNotFoundError:
        raise HTTPException(404) from None
    return _Owner(visit, company.market, company)
