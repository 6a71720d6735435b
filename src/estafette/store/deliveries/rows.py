"""Between rows and the core's objects."""

from typing import Any

import asyncpg
import orjson

from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries.delivery import Delivery, Parcel, Progress, Status, Stop
from estafette.store.deliveries.terms import read_terms


def dump(value: Any) -> str:
    """Returns the JSON text of a stop, a parcel or a payload, without what is None."""
    return orjson.dumps(value).decode()


def stop_json(stop: Stop) -> str:
    """Returns a stop as stored."""
    fields = (
        ("address", stop.address),
        ("city", stop.city),
        ("province", stop.province),
        ("name", stop.name),
        ("phone", stop.phone),
        ("phone_e164", stop.phone_e164),
        ("notes", stop.notes),
        ("latitude", stop.latitude),
        ("longitude", stop.longitude),
    )
    return dump({name: value for name, value in fields if value is not None})


def parcel_json(parcel: Parcel) -> str:
    """Returns a parcel as stored."""
    fields = (
        ("weight_grams", parcel.weight_grams),
        ("description", parcel.description),
        ("declared_value", parcel.declared_value),
    )
    return dump({name: value for name, value in fields if value is not None})


DELIVERY_COLUMNS = (
    "account_id, id, mode, status, milestone, before_stall, seq, external_ref, pickup, dropoff,"
    " parcel, fee, quote_id, scenario, pickup_by, deliver_by, created_at, updated_at, reference,"
    " company_id, terms, pin_failures, key_id"
)

OF_DELIVERIES = ", ".join(f"deliveries.{name.strip()}" for name in DELIVERY_COLUMNS.split(","))
"""The same, for a statement that joins other tables."""


def delivery(row: asyncpg.Record) -> Delivery:
    """Returns the delivery in a row of DELIVERY_COLUMNS."""
    before_stall = row["before_stall"]
    return Delivery(
        id=row["id"],
        scope=Scope(row["account_id"], Mode(row["mode"])),
        progress=Progress(
            Status(row["status"]),
            Status(row["milestone"]),
            before_stall and Status(before_stall),
            row["seq"],
        ),
        pickup=Stop(**orjson.loads(row["pickup"])),
        dropoff=Stop(**orjson.loads(row["dropoff"])),
        parcel=Parcel(**orjson.loads(row["parcel"])),
        fee=row["fee"],
        pickup_by=row["pickup_by"],
        deliver_by=row["deliver_by"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        external_ref=row["external_ref"],
        quote_id=row["quote_id"],
        scenario=row["scenario"],
        reference=row["reference"],
        company_id=row["company_id"],
        pin_failures=row["pin_failures"],
        key_id=row["key_id"],
        **read_terms(row["terms"]),
    )
