"""How this Estafette is, and how the platforms of courier companies are."""

from starlette.requests import Request
from starlette.responses import Response

from estafette.core.accounts.account import Mode
from estafette.http.formats import number, size
from estafette.http.texts import N_, gettext
from estafette.usecases.couriers.platforms import list_platforms
from estafette.usecases.health import Health, examine
from estafette.web.asked import MODE_NAMES
from estafette.web.parts import Column
from estafette.web.visit import Visit, render

_SLOW_SECONDS = 0.1
_SKEW_SECONDS = 2.0
_LONG_SECONDS = 300.0
_LATE_SECONDS = 300.0
_SCARCE_BYTES = 1 << 30
_CROWDED = 0.8

Finding = tuple[str, str, str]
"""What was looked at, how it is, and whether that is `good`, a `warning` or `bad`."""

_UPKEEP = {
    "messages": N_("Webhooks"),
    "sandbox_runs": N_("Plans of simulated couriers"),
    "dispatches": N_("Deliveries at other platforms"),
    "letters": N_("Letters to people"),
    "notifications": N_("Messages to recipients"),
    "proofs": N_("Proofs of delivery"),
    "files_without_proof": N_("Files that belong to no proof"),
    "personal_data": N_("Personal data of ended deliveries"),
}
_STATES = {
    "waiting": N_("to be placed"),
    "placed": N_("placed"),
    "disputed": N_("disputed"),
    "refused": N_("refused"),
    "closed": N_("closed"),
}


async def show(request: Request, visit: Visit) -> Response:
    """Shows database, queues, upkeep, versions and disk."""
    found = await examine(visit.platform)
    return render(
        visit,
        "web/office/templates/health.html",
        health=found,
        findings=_findings(found),
        tables=(
            Column("name", gettext("Table")),
            Column("size", gettext("Size"), "number"),
            Column("partitions", gettext("Partitions"), "number"),
            Column("newest", gettext("Newest"), "quiet"),
        ),
        upkeep=(
            Column("name", gettext("What")),
            Column("removed", gettext("Removed in all"), "number"),
            Column("at", gettext("Last time complete"), "time"),
        ),
        upkeep_name=_upkeep_name,
    )


def _upkeep_name(name: str) -> str:
    return gettext(_UPKEEP[name]) if name in _UPKEEP else name


def _mode_name(mode: Mode) -> str:
    return gettext(MODE_NAMES[mode])


def _state_name(state: str) -> str:
    return gettext(_STATES[state]) if state in _STATES else state


def _findings(found: Health) -> list[Finding]:
    report, state = found.database, found.state
    share = state.connections / state.most_connections
    clock = abs(report.clock_ahead_seconds)
    return [
        (
            gettext("The database answers"),
            gettext("in %(ms)s ms", ms=number(report.answer_seconds * 1000, 1)),
            "warning" if report.answer_seconds > _SLOW_SECONDS else "good",
        ),
        (
            gettext("Its clock is from ours"),
            gettext("%(ms)s ms", ms=number(clock * 1000, 0)),
            "bad" if clock > _SKEW_SECONDS else "good",
        ),
        (
            gettext("Its schema"),
            gettext("is of this version")
            if not report.pending_migrations and not report.newer_migrations
            else ", ".join([*report.pending_migrations, *report.newer_migrations]),
            "bad"
            if report.pending_migrations
            else "warning"
            if report.newer_migrations
            else "good",
        ),
        (
            gettext("Connections to it"),
            gettext(
                "%(number)s of %(most)s",
                number=number(state.connections),
                most=number(state.most_connections),
            ),
            "warning" if share > _CROWDED else "good",
        ),
        (
            gettext("Its oldest transaction"),
            gettext("%(seconds)s s", seconds=number(state.oldest_transaction_seconds, 1)),
            "warning" if state.oldest_transaction_seconds > _LONG_SECONDS else "good",
        ),
        (
            gettext("Webhooks that wait"),
            gettext(
                "%(number)s, the first of them %(seconds)s s late",
                number=number(found.webhooks.waiting),
                seconds=number(found.webhooks.oldest_seconds or 0.0, 0),
            ),
            "warning" if (found.webhooks.oldest_seconds or 0.0) > _LATE_SECONDS else "good",
        ),
        (
            gettext("Webhooks that are held"),
            gettext("%(number)s, for endpoints that are off", number=number(found.webhooks_held)),
            "warning" if found.webhooks_held else "good",
        ),
        (
            gettext("Errands to other platforms"),
            gettext(
                "%(number)s due, the first of them %(seconds)s s late",
                number=number(found.errands.waiting),
                seconds=number(found.errands.oldest_seconds or 0.0, 0),
            ),
            "warning" if (found.errands.oldest_seconds or 0.0) > _LATE_SECONDS else "good",
        ),
        (
            gettext("Disk of this server"),
            gettext(
                "%(free)s free of %(whole)s",
                free=size(found.disk.free),
                whole=size(found.disk.whole),
            ),
            "warning" if found.disk.free < _SCARCE_BYTES else "good",
        ),
    ]


async def show_platforms(request: Request, visit: Visit) -> Response:
    """Shows the platforms of courier companies, and how what they were given stands."""
    return render(
        visit,
        "web/office/templates/platforms.html",
        found=await list_platforms(visit.platform),
        mode_name=_mode_name,
        state_name=_state_name,
        columns=(
            Column("company", gettext("Courier company")),
            Column("url", gettext("Its platform"), "quiet"),
            Column("modes", gettext("Modes")),
            Column("standing", gettext("Under way there")),
            Column("error", gettext("Said last"), "quiet"),
        ),
    )
