"""Deliveries that a merchant orders of a running `up`."""

import json
import urllib.request
from typing import Any

from tests.cli.stage import Up


def order(up: Up, external_id: str) -> str:
    """Orders a delivery with the key of the demo's Kaspi account; returns its id."""
    place = {"address": "Abay 10, Almaty", "contact": {"name": "A", "phone": "+7 727 111 0000"}}
    parcel = {"description": "Books", "weightGrams": 1200, "valueKzt": 5000}
    body = {"externalOrderId": external_id, "pickup": place, "dropoff": place, "parcel": parcel}
    request = urllib.request.Request(
        f"{up.demo['base_url']}/delivery/v1/deliveries",
        json.dumps(body).encode(),
        {"x-api-key": up.demo["accounts"]["kaspi"]["api_key"]},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["deliveryId"]


def order_by_page(up: Up) -> str:
    """Orders a delivery as a page with the demo's publishable key; returns its id."""
    where = {"city": "Luanda", "province": "Luanda"}
    route = {
        "origin": {"address_line": "Rua 1", **where},
        "destination": {"address_line": "Rua 2", **where},
        "parcel": {"weight_grams": 900},
    }

    def ask(what: str, body: Any) -> Any:
        request = urllib.request.Request(
            f"{up.demo['base_url']}/v1/widget/{what}",
            json.dumps(body).encode(),
            {
                "Authorization": f"Bearer {up.demo['accounts']['entrega']['publishable_key']}",
                "Origin": "http://localhost:3000",
            },
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["data"]

    quote = ask("quotes", route)[0]
    return ask("deliveries", {"quote_id": quote["quote_id"], **route})["id"]
