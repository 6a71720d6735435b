"""Import files of orders: upload, preview, progress, results; a template with the columns."""

from collections.abc import AsyncIterator
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from estafette.core.accounts.account import Mode
from estafette.core.csv_line import csv_line
from estafette.core.deliveries.order_form import OrderField
from estafette.core.deliveries.order_import import (
    MOST_BYTES,
    MOST_ROWS,
    Choice,
    Import,
    ImportRow,
    ImportState,
    RowState,
)
from estafette.http.shell import Tone
from estafette.http.texts import N_, gettext, read_by
from estafette.usecases.deliveries.imports import (
    MOST_OPEN,
    ImportNotFoundError,
    TooManyImportsError,
    confirm_import,
    every_row,
    find_import,
    import_rows,
    newest_imports,
    start_import,
    stop_import,
)
from estafette.web.asked import id_in
from estafette.web.console.by_hand import by_hand
from estafette.web.console.deliveries import csv_headers
from estafette.web.console.deliveries_words import FIELDS, fault
from estafette.web.parts import Column, Paging
from estafette.web.session import SAFE
from estafette.web.visit import Visit, render

_FOLDER: Final = "web/console/templates"
_PAGE: Final = 100

LIMIT: Final = MOST_BYTES + 64 * 1024
"""How long the form may be, its file included."""

_PICKUP: Final = (
    OrderField.PICKUP_ADDRESS,
    OrderField.PICKUP_CITY,
    OrderField.PICKUP_PROVINCE,
    OrderField.PICKUP_NAME,
    OrderField.PICKUP_PHONE,
)

REASONS: Final = {
    "empty": N_("The file has no orders."),
    "not_text": N_("The file is neither a table of text (CSV) nor a workbook (XLSX)."),
    "not_a_sheet": N_("The workbook cannot be read. Save it as XLSX or CSV again."),
    "too_large": N_("The workbook unpacks to more than is read."),
    "too_many_rows": N_("The file has too many rows."),
    "too_many_columns": N_("The file has too many columns."),
    "no_columns": N_("No column has a heading that is known. Compare it with the template."),
}
"""Why a file is refused, by code."""

STATES: Final = {
    ImportState.UPLOADED: N_("Being read"),
    ImportState.PREVIEW: N_("Waits for you"),
    ImportState.WAITING: N_("Being created"),
    ImportState.DONE: N_("Done"),
    ImportState.REFUSED: N_("Refused"),
    ImportState.STOPPED: N_("Stopped"),
}

ROWS: Final = {
    RowState.READY: (N_("Ready"), Tone.INFO),
    RowState.WRONG: (N_("Wrong"), Tone.BAD),
    RowState.CREATED: (N_("Created"), Tone.GOOD),
    RowState.AGAIN: (N_("Was there already"), Tone.QUIET),
    RowState.REFUSED: (N_("Refused"), Tone.BAD),
}

_CHOICES: Final = {
    Choice.CHEAPEST: N_("The cheapest"),
    Choice.FASTEST: N_("The fastest"),
}


async def show(request: Request, visit: Visit) -> Response:
    """Shows the form for a file, and the imports that there were; or takes a file."""
    if request.method not in SAFE:
        return await _upload(request, visit)
    return await _shown(request, visit)


async def _shown(request: Request, visit: Visit, said: str = "", status: int = 200) -> Response:
    rules = by_hand(request).rules_of(visit)
    found = await newest_imports(visit.platform, visit.scope)
    return render(
        visit,
        f"{_FOLDER}/imports.html",
        status=status,
        here=f"{visit.home}/deliveries/import",
        back=f"{visit.home}/deliveries",
        said=said,
        imports=found,
        columns=[
            Column("file", gettext("File")),
            Column("state", gettext("State")),
            Column("orders", gettext("Orders"), "number"),
            Column("at", gettext("Uploaded"), "time"),
        ],
        state_name=_state_name,
        choices=(
            [(choice, gettext(text)) for choice, text in _CHOICES.items()]
            if rules.by_companies
            else []
        ),
        choice=visit.form.value("choice", Choice.CHEAPEST),
        defaults=[
            (str(field), gettext(FIELDS[field]), visit.form.value(field))
            for field in _PICKUP
            if field in rules.fields
        ],
        fields=_fields(request, visit),
        most_rows=MOST_ROWS,
        most_megabytes=MOST_BYTES // 2**20,
    )


def _fields(request: Request, visit: Visit) -> list[tuple[str, str, bool]]:
    """Returns the columns that a file may have: their headings, what they are, whether required."""
    rules = by_hand(request).rules_of(visit)
    return [
        (str(field), gettext(FIELDS[field]), field in rules.required)
        for field in OrderField
        if field in rules.fields
        and (field is not OrderField.SCENARIO or visit.mode is Mode.SANDBOX)
    ]


async def _upload(request: Request, visit: Visit) -> Response:
    file = visit.form.file("file")
    if file is None or not file.body:
        return await _shown(request, visit, gettext("Choose a file."), 422)
    if len(file.body) > MOST_BYTES:
        return await _shown(request, visit, gettext("The file is too large."), 422)
    choice = visit.form.value("choice", Choice.CHEAPEST)
    defaults = {str(field): text for field in _PICKUP if (text := visit.form.value(field)[:500])}

    async def do() -> Response:
        try:
            id = await start_import(
                visit.platform,
                visit.scope,
                visit.person.id,
                file.body,
                file.name,
                Choice(choice) if choice in set(Choice) else Choice.CHEAPEST,
                defaults,
            )
        except TooManyImportsError:
            said = gettext("%(most)s imports are open. Finish or stop one first.", most=MOST_OPEN)
            return await _shown(request, visit, said, 422)
        return visit.go(f"{visit.home}/deliveries/import/{id.hex}")

    return await visit.once(do)


async def template(request: Request, visit: Visit) -> Response:
    """Gives out an empty file with the columns, and one row that shows how they are filled in."""
    fields = _fields(request, visit)
    examples = _EXAMPLES.get(visit.account.market.code, {})
    lines = csv_line(name for name, _, _ in fields) + csv_line(
        examples.get(name, "") for name, _, _ in fields
    )
    return Response("\ufeff" + lines, headers=dict(csv_headers("orders-template.csv")))


_EXAMPLES: Final = {
    "KZ": {
        "order": "ORD-1001", "pickup_address": "Жибек Жолы 21, Алматы", "pickup_name": "Магазин",
        "pickup_phone": "8 727 111 00 00", "address": "Абылай хана 17, Алматы", "name": "Дана К.",
        "phone": "8 701 123 45 67", "notes": "Подъезд 2", "description": "Книги",
        "weight_kg": "1,2", "value": "85000",
    },
    "AO": {
        "order": "ENC-1001", "pickup_address": "Rua Rainha Ginga 12", "pickup_city": "Luanda",
        "pickup_province": "Luanda", "pickup_name": "Loja", "pickup_phone": "923 456 789",
        "address": "Rua 7, Maianga", "city": "Luanda", "province": "Luanda", "name": "Ana",
        "phone": "912 345 678", "description": "Livros", "weight_kg": "1,2", "value": "25000",
        "cod": "2500",
    },
}  # fmt: skip


async def _found(request: Request, visit: Visit) -> Import:
    try:
        return await find_import(visit.platform, visit.scope, id_in(request.path_params["import"]))
    except ImportNotFoundError:
        raise HTTPException(404) from None


async def show_one(request: Request, visit: Visit) -> Response:
    """Shows how an import goes, and what is known of every row."""
    found = await _found(request, visit)
    after = request.query_params.get("after", "0")
    number = int(after) if after.isdecimal() and len(after) < 10 else 0
    wrong_only = request.query_params.get("show") == "wrong"
    states = (RowState.WRONG, RowState.REFUSED) if wrong_only else None
    rows = await import_rows(visit.platform, found, number, _PAGE + 1, states)
    more = len(rows) > _PAGE
    here = f"{visit.home}/deliveries/import/{found.id.hex}"
    chosen = "show=wrong&" if wrong_only else ""
    return render(
        visit,
        f"{_FOLDER}/import.html",
        here=here,
        back=f"{visit.home}/deliveries/import",
        list=f"{visit.home}/deliveries",
        found=found,
        state_name=gettext(STATES[found.state]),
        reason=gettext(REASONS[found.reason]) if found.reason in REASONS else "",
        rows=rows[:_PAGE],
        columns=[
            Column("line", gettext("Line"), "number"),
            Column("order", gettext("Order")),
            Column("state", gettext("Result")),
            Column("why", gettext("Why")),
        ],
        row_state=_row_state,
        faults=_faults,
        done=found.total - found.ready,
        wrong_only=wrong_only,
        paging=Paging(
            previous=f"{here}?{chosen}" if number else "",
            next=f"{here}?{chosen}after={rows[_PAGE - 1].number}" if more else "",
        ),
    )


def _state_name(one: Import) -> str:
    return gettext(STATES[one.state])


def _row_state(row: ImportRow) -> tuple[str, Tone]:
    name, tone = ROWS[row.state]
    return gettext(name), tone


def _faults(row: ImportRow) -> list[str]:
    return [fault(one.field, one.reason) for one in row.faults]


async def confirm(request: Request, visit: Visit) -> Response:
    """Lets what is ready be created."""
    found = await _found(request, visit)

    async def do() -> Response:
        await confirm_import(visit.platform, visit.scope, found.id)
        return visit.go(f"{visit.home}/deliveries/import/{found.id.hex}")

    return await visit.once(do)


async def stop(request: Request, visit: Visit) -> Response:
    """Ends an import; what it has created stays."""
    found = await _found(request, visit)

    async def do() -> Response:
        await stop_import(visit.platform, visit.scope, found.id)
        return visit.go(
            f"{visit.home}/deliveries/import/{found.id.hex}", gettext("The import is stopped.")
        )

    return await visit.once(do)


async def result(request: Request, visit: Visit) -> Response:
    """Gives out what became of every row, as CSV."""
    found = await _found(request, visit)
    return StreamingResponse(
        _results(request, visit, found), headers=dict(csv_headers("import-result.csv"))
    )


async def _results(request: Request, visit: Visit, found: Import) -> AsyncIterator[str]:
    names = by_hand(request)
    fields = [name for name, _, _ in _fields(request, visit)]
    yield "\ufeff" + csv_line(["line", "result", "why", "delivery", *fields])
    lines: list[str] = []
    async for row in every_row(visit.platform, found):
        with read_by(visit.reader):
            why = "; ".join(_faults(row))
        delivery = names.show(visit, row.delivery_id) if row.delivery_id else None
        said = row.fields or {"order": row.name}
        cells = [said.get(field) for field in fields]
        lines.append(csv_line([row.number, row.state, why, delivery, *cells]))
        if len(lines) == 500:
            yield "".join(lines)
            lines.clear()
    yield "".join(lines)
