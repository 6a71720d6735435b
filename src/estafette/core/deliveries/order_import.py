"""Files of orders: what their columns are called, which rows are one order, what became of them."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries.order_form import FieldFault, OrderField

MOST_ROWS = 20_000
"""How many orders a file may have."""

MOST_COLUMNS = 60
"""How many columns a file may have."""

MOST_BYTES = 10 * 1024 * 1024
"""How long a file may be."""

LONGEST_FILE_NAME = 120
"""How much of the name of a file is kept, in characters."""

NAMES: Mapping[OrderField, Sequence[str]] = {
    OrderField.ORDER: (
        "order number", "order id", "external order id", "order no", "reference",
        "номер заказа", "заказ", "тапсырыс нөмірі", "тапсырыс", "número da encomenda", "encomenda",
        "número do pedido", "pedido",
    ),
    OrderField.PICKUP_ADDRESS: (
        "origin address", "from address", "адрес отправления", "адрес забора", "откуда",
        "алу мекенжайы", "жөнелту мекенжайы", "endereço de recolha", "endereço de origem",
    ),
    OrderField.PICKUP_CITY: (
        "origin city", "город отправления", "алу қаласы", "cidade de recolha", "cidade de origem",
    ),
    OrderField.PICKUP_PROVINCE: (
        "origin province", "область отправления", "алу облысы", "província de recolha",
        "província de origem",
    ),
    OrderField.PICKUP_NAME: (
        "sender", "sender name", "отправитель", "жіберуші", "remetente",
    ),
    OrderField.PICKUP_PHONE: (
        "sender phone", "телефон отправителя", "жіберуші телефоны", "telefone do remetente",
    ),
    OrderField.PICKUP_NOTES: (
        "sender notes", "примечание отправителя", "жіберуші ескертпесі", "notas da recolha",
    ),
    OrderField.ADDRESS: (
        "dropoff address", "destination address", "to address", "адрес", "адрес доставки", "куда",
        "мекенжай", "жеткізу мекенжайы", "endereço", "endereço de entrega", "morada",
    ),
    OrderField.CITY: (
        "destination city", "город", "город доставки", "қала", "cidade", "cidade de entrega",
    ),
    OrderField.PROVINCE: (
        "destination province", "область", "облыс", "província", "província de entrega",
    ),
    OrderField.NAME: (
        "recipient", "recipient name", "customer", "получатель", "имя", "алушы", "аты",
        "destinatário", "nome",
    ),
    OrderField.PHONE: (
        "recipient phone", "телефон", "телефон получателя", "телефон нөмірі", "алушы телефоны",
        "telefone", "telefone do destinatário", "telemóvel",
    ),
    OrderField.NOTES: ("note", "comment", "примечание", "комментарий", "ескертпе", "notas"),
    OrderField.DESCRIPTION: (
        "parcel", "contents", "item", "описание", "содержимое", "товар", "сипаттама", "тауар",
        "descrição", "conteúdo",
    ),
    OrderField.WEIGHT: (
        "weight", "weight, kg", "вес", "вес, кг", "салмағы", "салмағы, кг", "peso", "peso, kg",
    ),
    OrderField.VALUE: (
        "declared value", "price", "стоимость", "объявленная стоимость", "құны", "valor",
        "valor declarado",
    ),
    OrderField.PAYMENT: (
        "payment method", "оплата", "способ оплаты", "төлем", "төлем тәсілі", "pagamento",
        "método de pagamento",
    ),
    OrderField.COD: (
        "cash on delivery", "cash to collect", "collect", "наложенный платёж",
        "наложенный платеж", "қолма-қол", "cobrança na entrega", "valor a cobrar",
    ),
    OrderField.PICKUP_AT: (
        "pickup time", "время забора", "алу уақыты", "hora de recolha",
    ),
    OrderField.DELIVERY_AT: (
        "delivery time", "время доставки", "жеткізу уақыты", "hora de entrega",
    ),
    OrderField.SCENARIO: ("sandbox scenario", "сценарий", "сценарийі", "cenário"),
}  # fmt: skip
"""What people call the fields besides, in English, Russian, Kazakh and Portuguese."""

_NO_LETTER = re.compile(r"[\W_]+")


def _plain(name: str) -> str:
    return _NO_LETTER.sub("", name.casefold())


_FIELD_OF = {_plain(field): field for field in OrderField} | {
    _plain(name): field for field, names in NAMES.items() for name in names
}


def field_of(heading: str) -> OrderField | None:
    """Returns the field that a column's heading names, whatever its case and marks."""
    return _FIELD_OF.get(_plain(heading[:200]))


def order_key(scope: Scope, fields: Mapping[str, str]) -> bytes:
    """Returns what tells an order in every file: its number, or all that is written of it."""
    order = fields.get(OrderField.ORDER, "").strip()
    told = [("number", order)] if order else sorted((name, fields[name]) for name in fields)
    return hashlib.sha256(f"{scope.mode} {told!r}".encode("utf-8", "replace")).digest()


class Choice(StrEnum):
    """Which of several companies' quotes an imported order takes."""

    CHEAPEST = "cheapest"
    FASTEST = "fastest"


class ImportState(StrEnum):
    """Where an import is."""

    UPLOADED = "uploaded"
    PREVIEW = "preview"
    """It was read, and waits for a person to say that it shall be done."""
    WAITING = "waiting"
    """Its orders are being created."""
    DONE = "done"
    REFUSED = "refused"
    """Its file cannot be read."""
    STOPPED = "stopped"


class RowState(StrEnum):
    """What is known of an order of a file."""

    READY = "ready"
    WRONG = "wrong"
    """Its fields cannot be taken."""
    CREATED = "created"
    AGAIN = "again"
    """It was there before: of this file, or of another one."""
    REFUSED = "refused"
    """It could not be created."""


class ImportRow(NamedTuple):
    """One order of a file; `number` is that of its line, `name` its own number, for people.

    `fields` are None once they are not needed any more. `faults` say what is wrong.
    """

    number: int
    name: str
    fields: Mapping[str, str] | None
    key: bytes
    state: RowState
    faults: Sequence[FieldFault] = ()
    delivery_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Import:
    """A file of orders that somebody imports, and how far that has come.

    `ready` orders are to be created, `created` were, `again` were there before, `wrong` cannot be.
    `reason` says why the file was refused, as a code.
    """

    account_id: UUID
    id: UUID
    mode: Mode
    person_id: UUID | None
    address: str | None
    file_name: str
    choice: Choice
    defaults: Mapping[str, str]
    state: ImportState
    reason: str | None
    ignored: Sequence[str]
    ready: int
    created: int
    again: int
    wrong: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    attempt: int

    @property
    def scope(self) -> Scope:
        """The account and mode that it is of."""
        return Scope(self.account_id, self.mode)

    @property
    def total(self) -> int:
        """How many orders the file has."""
        return self.ready + self.created + self.again + self.wrong

    @property
    def is_under_way(self) -> bool:
        """Whether something is being done about it."""
        return self.state in (ImportState.UPLOADED, ImportState.WAITING)
