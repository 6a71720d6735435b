"""The city of the demo: in each market an invented company with its drivers, and places to go to.

The places exist; who sends and who receives there is invented, and so are the phone numbers, which
nothing calls: the demo has the sandbox's drivers alone.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.couriers.company import Company, Connector
from estafette.core.fleet.driver import Vehicle
from estafette.core.ids import new_id


class CityPlace(NamedTuple):
    """Somewhere in the city: its address, degrees, and the name of whoever is there."""

    address: str
    latitude: float
    longitude: float
    name: str


class CityDriver(NamedTuple):
    """A simulated driver."""

    name: str
    vehicle: Vehicle


class DemoCity(NamedTuple):
    """What the demo shows in a market.

    `shops` are where parcels come from, `homes` where they go. `numbers` is what the phone numbers
    of everybody begin with. `account` is the name of its account, which is nobody else's.
    """

    account: str
    company: str
    slug: str
    time_zone: str
    city: str
    province: str
    base_fee: int
    numbers: str
    drivers: tuple[CityDriver, ...]
    shops: tuple[CityPlace, ...]
    homes: tuple[CityPlace, ...]
    goods: tuple[str, ...]

    def new_company(self, market: str, account_id: UUID) -> Company:
        """Returns the company that carries there, day and night."""
        return Company(
            id=new_id(),
            market=market,
            account_id=account_id,
            name=self.company,
            slug=self.slug,
            connector=Connector.INHOUSE,
            time_zone=self.time_zone,
            service_zones=(self.city,),
            base_fee=self.base_fee,
            base_eta_minutes=45,
        )


_ALMATY: Final = DemoCity(
    account="kaspi-city",
    company="Alatau Jetkizu",
    slug="alatau-jetkizu",
    time_zone="Asia/Almaty",
    city="Almaty",
    province="Almaty",
    base_fee=1_500,
    numbers="+7700000",
    drivers=(
        CityDriver("Aidos Bekov", Vehicle.CAR),
        CityDriver("Madina Sarsen", Vehicle.CAR),
        CityDriver("Timur Akhmet", Vehicle.MOTORCYCLE),
        CityDriver("Olga Kim", Vehicle.CAR),
        CityDriver("Nurlan Omar", Vehicle.BICYCLE),
        CityDriver("Dias Tulegen", Vehicle.VAN),
        CityDriver("Sergey Pak", Vehicle.MOTORCYCLE),
    ),
    shops=(
        CityPlace("53 Zhibek Zholy Ave, Almaty", 43.2641, 76.9546, "Green Bazaar Electronics"),
        CityPlace("111 Dostyk Ave, Almaty", 43.2335, 76.9565, "Dostyk Books"),
        CityPlace("247A Rozybakiev St, Almaty", 43.2030, 76.8925, "Mega Home"),
        CityPlace("77 Al-Farabi Ave, Almaty", 43.2186, 76.9277, "Esentai Gifts"),
    ),
    homes=(
        CityPlace("59 Tole Bi St, Almaty", 43.2553, 76.9432, "Aigerim S."),
        CityPlace("48 Abay Ave, Almaty", 43.2385, 76.9243, "Daniyar T."),
        CityPlace("42 Timiryazev St, Almaty", 43.2252, 76.9073, "Zhanna K."),
        CityPlace("1 Abylay Khan Ave, Almaty", 43.2724, 76.9390, "Ruslan M."),
        CityPlace("110 Kabanbay Batyr St, Almaty", 43.2494, 76.9455, "Elena V."),
        CityPlace("21 Samal-2, Almaty", 43.2290, 76.9530, "Bolat N."),
        CityPlace("8 Koktem-2, Almaty", 43.2310, 76.9280, "Saule A."),
        CityPlace("294 Tole Bi St, Almaty", 43.2430, 76.8560, "Marat D."),
        CityPlace("16 Orbita-2, Almaty", 43.1985, 76.8790, "Inna P."),
        CityPlace("62 Aksay-4, Almaty", 43.2320, 76.8310, "Kairat B."),
    ),
    goods=("Headphones", "Books", "A lamp", "Running shoes", "A gift box"),
)

_LUANDA: Final = DemoCity(
    account="entrega-city",
    company="Ilha Entregas",
    slug="ilha-entregas",
    time_zone="Africa/Luanda",
    city="Luanda",
    province="Luanda",
    base_fee=2_200,
    numbers="+24492300",
    drivers=(
        CityDriver("Zé Domingos", Vehicle.MOTORCYCLE),
        CityDriver("Ana Lukeny", Vehicle.MOTORCYCLE),
        CityDriver("Paulo Neto", Vehicle.CAR),
        CityDriver("Isabel Kiala", Vehicle.MOTORCYCLE),
        CityDriver("Mateus Cruz", Vehicle.VAN),
        CityDriver("Teresa Bento", Vehicle.BICYCLE),
        CityDriver("Nelson Faria", Vehicle.MOTORCYCLE),
    ),
    shops=(
        CityPlace("Largo do Kinaxixi 14", -8.8150, 13.2400, "Livraria Kinaxixi"),
        CityPlace("Avenida 4 de Fevereiro 102", -8.8085, 13.2355, "Marginal Flores"),
        CityPlace("Rua Comandante Gika 230", -8.8370, 13.2410, "Alvalade Tech"),
        CityPlace("Rua Amílcar Cabral 55", -8.8290, 13.2330, "Maianga Moda"),
    ),
    homes=(
        CityPlace("Rua da Missão 18", -8.8125, 13.2345, "Marta J."),
        CityPlace("Rua Fernando Pessoa 7", -8.8275, 13.2480, "Carlos A."),
        CityPlace("Avenida Murtala Mohammed 91", -8.7960, 13.2290, "Luísa F."),
        CityPlace("Rua de Miramar 3", -8.8085, 13.2520, "Helena S."),
        CityPlace("Rua Rei Katyavala 120", -8.8215, 13.2390, "António B."),
        CityPlace("Rua da Samba 44", -8.8420, 13.2270, "Domingas P."),
        CityPlace("Rua Ngola Kiluanje 210", -8.8030, 13.2560, "João M."),
        CityPlace("Rua do Rangel 15", -8.8300, 13.2610, "Celeste N."),
        CityPlace("Rua Nova Vida 60", -8.8920, 13.2370, "Filipe G."),
        CityPlace("Rua do Cazenga 9", -8.8250, 13.2880, "Rosa T."),
    ),
    goods=("Livros", "Flores", "Auscultadores", "Sapatos", "Um presente"),
)

CITIES: Final[Mapping[str, DemoCity]] = {"KZ": _ALMATY, "AO": _LUANDA}
"""The demo's city of each market that has one."""
