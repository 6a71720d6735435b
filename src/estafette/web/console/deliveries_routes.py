"""The console's pages of deliveries, each with the act that it is."""

from estafette.core.people.permission import PersonAct
from estafette.web.console import (
    deliveries,
    deliveries_import,
    deliveries_labels,
    deliveries_new,
    deliveries_one,
    live,
)
from estafette.web.visit import Page, page

_POST, _BOTH = ("POST",), ("GET", "POST")


def pages(home: str) -> tuple[Page, ...]:
    """Returns the pages below the path of an account in a mode."""
    create, load = PersonAct.DELIVERIES_CREATE, PersonAct.DELIVERIES_IMPORT
    save, see = PersonAct.VIEWS_SAVE, PersonAct.DELIVERIES_SEE
    base = f"{home}/deliveries"
    one, file = f"{base}/{{delivery}}", f"{base}/import/{{import}}"
    return (
        page(base, see, deliveries.show),
        page(f"{base}/export", PersonAct.DELIVERIES_EXPORT, deliveries.export),
        page(f"{base}/news", see, live.follow_all),
        page(f"{base}/save", save, deliveries.save, _POST),
        page(f"{base}/saved/{{filter}}/remove", save, deliveries.remove, _POST),
        page(f"{base}/new", create, deliveries_new.create, _BOTH),
        page(f"{base}/labels", PersonAct.LABELS_PRINT, deliveries_labels.show),
        page(f"{base}/import", load, deliveries_import.show, _BOTH, limit=deliveries_import.LIMIT),
        page(f"{base}/import/template", load, deliveries_import.template),
        page(file, load, deliveries_import.show_one),
        page(f"{file}/confirm", load, deliveries_import.confirm, _POST),
        page(f"{file}/stop", load, deliveries_import.stop, _POST),
        page(f"{file}/result", load, deliveries_import.result),
        page(one, see, deliveries_one.show),
        page(f"{one}/news", see, live.follow_one),
        page(f"{one}/cancel", PersonAct.DELIVERIES_CANCEL, deliveries_one.cancel_it, _POST),
        page(f"{one}/confirm", PersonAct.DELIVERIES_CONFIRM, deliveries_one.confirm_it, _POST),
        page(f"{one}/move", PersonAct.DELIVERIES_MOVE, deliveries_one.move_it, _POST),
    )
