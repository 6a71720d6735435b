"""Asking the Entrega dialect, and looking at what it answers."""

from typing import Any

from tests.edges import ENTREGA, Call
from tests.serving import Answer, Tenant

DELIVERIES = "/v1/deliveries"
QUOTES = "/v1/quotes"

LUANDA = {"address_line": "Rua 21 de Janeiro", "city": "Luanda", "province": "Luanda"}
MARIEN = {"address_line": "Rua Marien Nguabi", "city": "Luanda", "province": "Luanda"}
ROUTE: dict[str, Any] = {
    "origin": LUANDA,
    "destination": MARIEN,
    "parcel": {"weight_grams": 1200, "description": "Photo prints"},
}


def refused(answer: Answer, status: int, error: str | None = None) -> dict[str, Any]:
    """Asserts that a request was refused so, in Entrega's shape; returns the body."""
    assert answer.status == status, answer.body
    ENTREGA.check_error(answer.status, answer.headers, answer.body)
    assert answer.told.get("error") == error, answer.body
    return answer.told


def bad_fields(answer: Answer, error: str | None = None) -> set[str]:
    """The fields that a 422 names."""
    return {each["field"] for each in refused(answer, 422, error)["errors"]}


async def quotes(tenant: Tenant, **changed: Any) -> dict[str, dict[str, Any]]:
    """The quotes of a route by the slug of their company."""
    told = await tenant.ask(Call("POST", QUOTES, ROUTE | changed))
    return {each["company_slug"]: each for each in told["data"]}


async def order(tenant: Tenant, company: str = "zango-entregas", **changed: Any) -> dict[str, Any]:
    """A body that creates a delivery of the route with that company."""
    quote = (await quotes(tenant))[company]
    return {**ROUTE, "quote_id": quote["quote_id"]} | changed


async def created(tenant: Tenant, company: str = "zango-entregas", **changed: Any) -> Any:
    """A new delivery, as its merchant sees it."""
    answer = await tenant.post(DELIVERIES, await order(tenant, company, **changed))
    assert answer.status == 201, answer.body
    return answer.told["data"]
