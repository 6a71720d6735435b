"""The orders that are created: no two alike in recipient, address, phone and reference."""

import random
from collections.abc import Callable
from typing import Final

CITIES: Final = ("Almaty", "Astana", "Shymkent", "Karaganda", "Aktobe", "Taraz", "Pavlodar")
STREETS: Final = ("Abylay Khan Ave", "Satpayev St", "Tole Bi St", "Dostyk Ave", "Furmanov St")
WAREHOUSES: Final = 20

# Filled by %, in the order of `_fields`.
TEMPLATE: Final = (
    '{"externalOrderId":"%s",'
    '"pickup":{"address":"%d Zhibek Zholy, Almaty",'
    '"contact":{"name":"Warehouse %d","phone":"+7 727 111 %04d"},"notes":"Gate B, ring twice"},'
    '"dropoff":{"address":"%d %s, apt %d, %s",'
    '"contact":{"name":"Dana K. %d","phone":"+7 701 %03d %04d"},'
    '"notes":"Call on arrival, entrance from the yard"},'
    '"parcel":{"description":"Electronics","weightGrams":%d,"valueKzt":%d}}'
)


def orders(prefix: str, seed: int) -> Callable[[], tuple[str, bytes]]:
    """A source of new orders: each call gives a reference that begins with `prefix`, and a body."""
    chance = random.Random(seed)
    number = 0

    def following() -> tuple[str, bytes]:
        nonlocal number
        number += 1
        ref = f"{prefix}{number:020d}"
        return ref, (TEMPLATE % _fields(ref, chance)).encode()

    return following


def _fields(ref: str, chance: random.Random) -> tuple[str | int, ...]:
    warehouse = chance.randint(1, WAREHOUSES)
    return (
        ref,
        warehouse,
        warehouse,
        warehouse,
        chance.randint(1, 300),
        chance.choice(STREETS),
        chance.randint(1, 200),
        chance.choice(CITIES),
        chance.randint(1, 100_000),
        chance.randint(0, 999),
        chance.randint(0, 9999),
        chance.randint(1, 20_000),
        chance.randint(0, 500_000),
    )
