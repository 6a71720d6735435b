"""The trips that Entrega's merchants ask prices for: no two alike in recipient, address and phone.

All three companies of the bench's shop (`bench.shop`) carry every one of them.
"""

import random
from collections.abc import Callable
from typing import Final

CITIES: Final = ("Luanda", "Luanda", "Calumbo", "Zango", "Ramiros", "Viana")
STREETS: Final = ("Rua Rainha Ginga", "Avenida 4 de Fevereiro", "Rua da Missão", "Via Expressa")
QUARTERS: Final = ("Maiánga", "Ingombota", "Alvalade", "Samba", "Talatona", "Vila Alice")
SHOPS: Final = 20

# Filled by %, in the order of `_fields`.
TEMPLATE: Final = (
    '{"origin":{"address_line":"Largo do Kinaxixi %d","city":"Luanda","province":"Luanda",'
    '"contact":{"name":"Loja %d","phone":"+244 923 111 %03d"}},'
    '"destination":{"address_line":"%s %d, apto %d, %s","city":"%s","province":"Luanda",'
    '"contact":{"name":"Ana %d","phone":"+244 9%02d %03d %03d"},'
    '"coordinates":{"lat":-8.%06d,"lng":13.%06d}},'
    '"parcel":{"weight_grams":%d,"description":"Livros","declared_value_aoa":%d}}'
)


def trips(seed: int) -> Callable[[], str]:
    """A source of trips: each call gives the body of a request for quotes."""
    chance = random.Random(seed)
    return lambda: TEMPLATE % _fields(chance)


def _fields(chance: random.Random) -> tuple[str | int, ...]:
    shop = chance.randint(1, SHOPS)
    return (
        shop,
        shop,
        shop,
        chance.choice(STREETS),
        chance.randint(1, 300),
        chance.randint(1, 90),
        chance.choice(QUARTERS),
        chance.choice(CITIES),
        chance.randint(1, 100_000),
        chance.randint(10, 59),
        chance.randint(0, 999),
        chance.randint(0, 999),
        chance.randint(0, 999_999),
        chance.randint(0, 999_999),
        chance.randint(1, 5000),
        chance.randint(0, 500_000),
    )
