"""Other platforms for the tests: what they answer in Entrega's words, and companies behind them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from estafette.couriers.entrega import EntregaClient
from estafette.couriers.entrega.schemas import OUR_ID
from estafette.couriers.platforms import Access
from tests.receivers import Behaviour, Connection, ReceivedRequest, Receiver, answer

KEY = "sk_live_upstream"
_JSON = {"Content-Type": "application/json"}
_PROBLEM = {"Content-Type": "application/problem+json"}


def patient_client() -> EntregaClient:
    """A client that waits for an answer as long as a busy machine takes. Close it in the end."""
    return EntregaClient(hurry_seconds=60.0, calm_seconds=60.0)


def access(receiver: Receiver, slug: str = "far") -> Access:
    """How a company behind a receiver is reached."""
    return Access(uuid4(), slug, f"http://127.0.0.1:{receiver.port}", KEY)


def told(value: Any, status: int = 200) -> Behaviour:
    """Answers with a JSON value."""
    return answer(status, _JSON, json.dumps(value).encode())


def refusing(status: int, code: str | None = None, **headers: str) -> Behaviour:
    """Refuses as the contract has it."""
    body: dict[str, Any] = {"type": "x", "title": "No", "status": status, "detail": "not that"}
    if code:
        body["error"] = code
    return answer(status, {**_PROBLEM, **headers}, json.dumps(body).encode())


def quote(fee: int = 700, **changes: Any) -> dict[str, Any]:
    """A quote that binds for a quarter of an hour."""
    until = datetime.now(UTC) + timedelta(minutes=15)
    return {
        "quote_id": str(uuid4()),
        "valid_until": until.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "company_id": str(uuid4()),
        "company_name": "Longe",
        "company_slug": "longe",
        "fee_aoa": fee,
        "eta_minutes": 45,
        "require_delivery_pin": False,
        **changes,
    }


def delivery(our_id: str | None = None, **changes: Any) -> dict[str, Any]:
    """A delivery as its merchant sees it; `our_id` is in its metadata."""
    return {
        "id": str(uuid4()),
        "status": "pending",
        "courier_fee_aoa": 700,
        "delivery_pin": None,
        "options": {"metadata": {OUR_ID: our_id} if our_id else {}},
        **changes,
    }


def quoting(*quotes: dict[str, Any]) -> Behaviour:
    """Answers every request with these quotes."""
    return told({"data": list(quotes)})


def routed(**routes: Behaviour) -> Behaviour:
    """Behaves by what is asked: `create`, `quotes`, `list`, `events`, `show`, `cancel`."""

    async def behave(request: ReceivedRequest, connection: Connection) -> bool:
        return await routes[asked(request)](request, connection)

    return behave


def asked(request: ReceivedRequest) -> str:
    """What a request asks for, in the words of `routed`."""
    path = urlsplit(request.target).path
    if path in ("/v1/deliveries", "/v1/quotes"):
        return {"POST /v1/deliveries": "create", "POST /v1/quotes": "quotes"}.get(
            f"{request.method} {path}", "list"
        )
    if path.endswith("/events"):
        return "events"
    return "cancel" if request.method == "DELETE" else "show"


def page(*deliveries: dict[str, Any], more: bool = False) -> Behaviour:
    """Answers with a page of a list."""
    return told({"data": list(deliveries), "pagination": {"has_more": more}})


def timeline(*statuses: str) -> Behaviour:
    """Answers with the events of a delivery that went through these."""
    return told(
        {
            "data": [
                {
                    "id": f"evt_{number}",
                    "event_type": f"delivery.{status}",
                    "occurred_at": "2026-02-01T09:30:00Z",
                    "source": "courier",
                    "payload": {"status": status, "note": f"note {number}"},
                }
                for number, status in enumerate(statuses, start=1)
            ]
        }
    )


def creating() -> Behaviour:
    """Answers every creation with a new delivery, which repeats what the metadata said."""

    async def behave(request: ReceivedRequest, connection: Connection) -> bool:
        our_id = json.loads(request.body)["options"]["metadata"][OUR_ID]
        return await told({"data": delivery(our_id)}, 201)(request, connection)

    return behave
