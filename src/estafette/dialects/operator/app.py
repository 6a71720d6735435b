"""The operator's API over HTTP: for each path, how its request is read, done and answered."""

from importlib.resources import files

from starlette.types import ASGIApp

from estafette.dialects.operator import (
    accounts,
    board,
    cash,
    companies,
    fleet,
    money,
    people,
    watching,
)
from estafette.dialects.operator.auth import Access
from estafette.dialects.operator.errors import ERRORS
from estafette.dialects.operator.operations import Operations
from estafette.http.coded import code_of
from estafette.http.docs import Docs
from estafette.http.limiter import RateLimiter, open_to_all
from estafette.http.resource import Handler, resources
from estafette.usecases.platform import Platform

CONTRACT = (files("estafette.dialects.operator") / "openapi.yaml").read_text("utf-8")
"""The contract of this API, in OpenAPI 3.1."""

OPERATIONS = (
    *accounts.OPERATIONS,
    *people.OPERATIONS,
    *companies.OPERATIONS,
    *money.OPERATIONS,
    *cash.OPERATIONS,
    *fleet.OPERATIONS,
    *board.OPERATIONS,
    *watching.OPERATIONS,
)
"""Every operation, with the act that a key must be allowed to do."""


def build(platform: Platform, limiter: RateLimiter) -> ASGIApp:
    """Returns the API as an application, to be mounted as its record says."""
    operations = Operations(platform, Access(platform, limiter))
    docs = Docs("Estafette Operator", CONTRACT)
    paths: dict[str, dict[str, Handler]] = {
        "/openapi.yaml": {"GET": open_to_all(docs.contract)},
        "/docs": {"GET": open_to_all(docs.page)},
    }
    for one in OPERATIONS:
        paths.setdefault(one.path, {})[one.method] = operations.handler(one)
    return resources(paths, ERRORS.reply, code_of=code_of)
