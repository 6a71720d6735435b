"""The choice of a person who belongs to several accounts, or to several companies."""

from starlette.responses import RedirectResponse, Response

from estafette.web.people.words import role_name
from estafette.web.visit import Visit, render


def choose_door(visit: Visit, prefix: str, template: str) -> Response:
    """Leads to the one place of the person whose path begins so; else lets them choose.

    `template` extends `web/templates/choose.html`, and says what it is where they have none.
    """
    doors = [door for door in visit.doors if door.path.startswith(prefix)]
    if len(doors) == 1:
        return RedirectResponse(doors[0].path, 303)
    return render(visit, template, chosen=doors, role_name=role_name)
