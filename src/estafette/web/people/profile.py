"""A person's own page: their name and the language of their pages."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from estafette.core.people.person import FieldError
from estafette.http.texts import LANGUAGES, gettext
from estafette.usecases.people.profile import change_profile
from estafette.web.people.faults import said
from estafette.web.people.words import role_name
from estafette.web.session import SAFE
from estafette.web.visit import Visit, render

_PAGE: Final = "web/people/templates/profile.html"


async def show(request: Request, visit: Visit) -> Response:
    """Shows the profile, or changes it."""
    name = visit.form.value("name", visit.person.name)
    language = visit.form.value("language", visit.person.language)
    if request.method in SAFE:
        return _page(visit, name, language)

    async def change() -> Response:
        try:
            await change_profile(visit.platform, visit.person, name, language)
        except FieldError as fault:
            return _page(visit, name, language, fault)
        return visit.go("/me", gettext("Your profile is changed."))

    return await visit.once(change)


def _page(visit: Visit, name: str, language: str, fault: FieldError | None = None) -> Response:
    return render(
        visit,
        _PAGE,
        status=422 if fault else 200,
        name=name,
        language=language,
        languages=LANGUAGES.items(),
        role_name=role_name,
        faults={fault.field: said(fault)} if fault else {},
    )
