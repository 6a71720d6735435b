"""What the gazetteer's data lacks or gets wrong: names that people write, towns that are missing.

Checked city by city for Kazakhstan, in Kazakh (Cyrillic and Latin), Russian and English, present
and former names, since old address books live on.
"""

from estafette.core.quotes.place import City

SPELLINGS: dict[str, dict[str, str]] = {
    "KZ": {
        "almaty": "Алматы, Алма-Ата, Almaty, Alma-Ata, Alma Ata",
        "astana": "Астана, Astana, Нур-Султан, Нұр-Сұлтан, Nur-Sultan, Nursultan, Целиноград,"
        " Tselinograd, Акмола, Ақмола, Aqmola, Akmola",
        "shymkent": "Шымкент, Чимкент, Shymkent, Chimkent, Şymkent",
        "aktobe": "Актобе, Ақтөбе, Актюбинск, Aktobe, Aqtobe, Aktyubinsk, Aktubinsk",
        "karagandy": "Караганда, Қарағанды, Караганды, Karaganda, Qaragandy, Qaraghandy",
        "taraz": "Тараз, Джамбул, Жамбыл, Taraz, Dzhambul, Zhambyl, Jambyl, Аулие-Ата",
        "kyzylorda": "Кызылорда, Қызылорда, Кзыл-Орда, Kyzylorda, Qyzylorda, Kzyl-Orda, Kyzyl-Orda",
        "oral": "Уральск, Орал, Oral, Uralsk, Ural'sk",
        "pavlodar": "Павлодар, Pavlodar, Кереку",
        "ust-kamenogorsk": "Усть-Каменогорск, Өскемен, Оскемен, Oskemen, Öskemen, Ust-Kamenogorsk,"
        " Ust Kamenogorsk",
        "semey": "Семей, Семипалатинск, Semey, Semei, Semipalatinsk",
        "atyrau": "Атырау, Гурьев, Atyrau, Atyraw, Guryev, Guriev",
        "turkistan": "Туркестан, Түркістан, Turkestan, Turkistan, Türkistan",
        "kostanay": "Костанай, Қостанай, Кустанай, Kostanay, Qostanay, Kostanai, Kustanay",
        "petropavl": "Петропавловск, Петропавл, Қызылжар, Petropavl, Petropavlovsk, Qyzyljar,"
        " Kyzylzhar",
        "temirtau": "Темиртау, Теміртау, Temirtau",
        "kokshetau": "Кокшетау, Көкшетау, Кокчетав, Kokshetau, Kokchetav, Kökşetau",
        "aktau": "Актау, Ақтау, Шевченко, Aktau, Aqtau",
        "rudnyy": "Рудный, Rudny, Rudnyi, Rudniy",
        "ekibastuz": "Экибастуз, Екібастұз, Ekibastuz, Ekibastuz",
        "taldykorgan": "Талдыкорган, Талдықорған, Талды-Курган, Taldykorgan, Taldyqorgan,"
        " Taldykurgan",
        "zhezqazghan": "Жезказган, Жезқазған, Джезказган, Zhezkazgan, Jezkazgan, Zhezqazgan",
        "zhanaozen": "Жанаозен, Жаңаөзен, Новый Узень, Zhanaozen, Janaozen",
        "balqash": "Балхаш, Балқаш, Balkhash, Balqash, Balhash",
        "satpayev": "Сатпаев, Сәтбаев, Satpayev, Satbayev, Satpaev",
        "ridder": "Риддер, Лениногорск, Ridder",
        "konayev": "Конаев, Қонаев, Кунаев, Капчагай, Капшагай, Қапшағай, Konaev, Kunaev, Qonaev,"
        " Qonayev, Kapchagay, Kapchagai, Kapshagay, Qapshagay",
        "baikonur": "Байконур, Байқоңыр, Байконыр, Baikonur, Baykonur, Baiqonyr",
        "shchuchinsk": "Щучинск, Shchuchinsk, Schuchinsk, Бурабай, Burabay, Боровое, Borovoye",
        "stepnogorsk": "Степногорск, Stepnogorsk",
        "altay": "Алтай, Зыряновск, Altay, Altai",
        "shu": "Шу, Чу, Shu",
        "esik": "Есик, Есік, Иссык, Esik, Yesik, Issyk",
        "talghar": "Талгар, Талғар, Talgar",
        "zhetysay": "Жетысай, Жетісай, Zhetysai, Zhetisay, Jetisay",
        "kandyagash": "Кандыагаш, Қандыағаш, Kandyagash",
        "burunday": "Боралдай, Бурундай, Boralday, Boraldai",
        "otegen-batyra": "Отеген батыр, Өтеген батыр, Otegen batyr, Утеген батыра",
    },
    "AO": {
        "luanda": "Luanda, Loanda, Município de Luanda, Golfe 2, Golf",
        "mossamedes": "Moçâmedes, Namibe",
        "cuito": "Kuito, Cuíto, Bié",
        "uige": "Uíge",
        "mbanza-kongo": "M'banza Congo, M'Banza-Kongo",
        "ondjiva": "Ondjiva, Ongiva",
    },
}
"""By country and city code: names to add, separated by commas."""

NOT_SPELLINGS: dict[str, str] = {
    "KZ": "Kazakh, Chapayev, Talas, Samarkand, Samarka, Samarkandskoye, Aral Sea, Aral'skoye More,"
    " Aral'skoe More, Аральское Море, Zarya, Ili, Bozok, Октябрь, Oktyabr', Sergiopol', Amba,"
    " Nikolayevsk, Никольский, Nikol'skiy, Nikol'skij, Shevchenko, Leninskiy, Tyuratam",
    "AO": "Gaia, Machado, Belize, Salazar, Samba, Bengo, Amboim",
}
"""By country: names of seas, nations, people and far places that the data gives to a city."""


def _city(name: str, latitude: float, longitude: float, population: int, spellings: str) -> City:
    code = name.lower()
    return City(code, name, "KZ", latitude, longitude, population, tuple(spellings.split(", ")))


MISSING: dict[str, tuple[City, ...]] = {
    "KZ": (
        _city("Kaskelen", 43.20, 76.62, 80_000, "Каскелен, Қаскелең, Kaskeleng, Qaskeleng"),
        _city("Kosshy", 50.98, 71.34, 60_000, "Косшы, Қосшы, Koshy, Qosshy"),
        _city("Uzynagash", 43.22, 76.32, 40_000, "Узынагаш, Ұзынағаш, Узунагач, Uzunagach"),
        _city("Usharal", 46.17, 80.94, 18_000, "Ушарал, Үшарал, Ucharal, Üsharal"),
        _city("Karazhal", 48.01, 70.80, 13_800, "Каражал, Қаражал, Qarazhal"),
        _city("Priozersk", 46.03, 73.70, 13_400, "Приозерск, Приозёрск"),
        _city("Kurchatov", 50.76, 78.54, 10_700, "Курчатов"),
    ),
}
"""By country: towns that the data lacks or has without a population."""

DISTRICT_RADIUS_KM: dict[tuple[str, str], float] = {
    ("AO", "luanda"): 22.0,
}
"""Around which city the named quarters belong to it, and how far: deliveries know one Luanda."""
