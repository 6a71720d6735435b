"""What an account says of parcels that cannot be handed over, of all its deliveries."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from estafette.core.edition import EditedMeanwhileError
from estafette.core.people.permission import PersonAct
from estafette.http.texts import gettext
from estafette.usecases.accounts.settings import account_with_settings, say_failing
from estafette.web import failing
from estafette.web.visit import Page, Visit, page, render

_TEMPLATE: Final = "web/console/templates/failing.html"


def pages(home: str) -> tuple[Page, ...]:
    """Returns the pages below the path of an account in a mode."""
    base = f"{home}/failing"
    return (
        page(base, PersonAct.FAILING_SEE, show),
        page(f"{base}/change", PersonAct.FAILING_MANAGE, change, ("POST",)),
    )


async def show(request: Request, visit: Visit) -> Response:
    """Shows what was said."""
    return await _shown(visit)


async def _shown(visit: Visit, fault: str | None = None, status: int = 200) -> Response:
    opened = await account_with_settings(visit.platform, visit.account.id)
    return render(
        visit,
        _TEMPLATE,
        status=status,
        here=f"{visit.home}/failing",
        may_change=visit.may(PersonAct.FAILING_MANAGE),
        edition=opened.edition,
        values=failing.fields_of(opened.failing),
        attempts=failing.attempt_choices(),
        follows=failing.follow_choices(),
        fault=fault,
    )


async def change(request: Request, visit: Visit) -> Response:
    """Takes what is said from now on."""
    try:
        policy = failing.policy_in(visit.form)
    except ValueError:
        return await _shown(visit, gettext("Choose among what is offered."), 422)

    async def do() -> Response:
        edition = visit.form.value("edition")
        try:
            await say_failing(visit.platform, visit.account.id, policy, edition=edition)
        except EditedMeanwhileError:
            text = gettext("Somebody else has changed this meanwhile. Look at it, and send again.")
            return await _shown(visit, text, 409)
        return visit.go(f"{visit.home}/failing", gettext("This holds from now on."))

    return await visit.once(do)
