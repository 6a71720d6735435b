"""The files of the design system over HTTP: one place for the pages of every host name."""

from starlette.types import ASGIApp, Receive, Scope

from estafette.core.errors import Refusal
from estafette.http.limiter import open_to_all
from estafette.http.pages import PRODUCT
from estafette.http.plain import refused
from estafette.http.refusals import HttpRefusal
from estafette.http.reply import HttpReply
from estafette.http.resource import resources


async def _file(scope: Scope, _: Receive) -> HttpReply:
    """`/{edition}/{name}`."""
    given = scope["path_params"]
    return PRODUCT.reply(scope, given["name"], given["edition"])


def _refuse(refusal: Refusal | HttpRefusal) -> HttpReply:
    return refused(refusal)


def build() -> ASGIApp:
    """Returns the application, to be mounted at `ASSETS_PREFIX`."""
    return resources({"/{edition}/{name}": {"GET": open_to_all(_file)}}, _refuse)
