"""Create a delivery by a form: what goes where, then a quote to choose, by the rules of the API."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.order_form import (
    OrderField,
    OrderRefusedError,
    read_form,
)
from estafette.core.errors import Refusal, Unavailable
from estafette.core.money.payment import PaymentMethod
from estafette.core.quotes.quote import Quote
from estafette.core.sandbox.scenario import SCENARIOS
from estafette.http.texts import gettext
from estafette.usecases.deliveries.ordering import AcceptedOrder, Ordering, OrderRules
from estafette.web.console.by_hand import by_hand
from estafette.web.console.deliveries_words import FIELDS, METHODS, reason, refused
from estafette.web.session import SAFE
from estafette.web.visit import Visit, render

_TEMPLATE: Final = "web/console/templates/delivery_new.html"

GROUPS: Final = (
    ("pickup", (
        OrderField.PICKUP_ADDRESS, OrderField.PICKUP_CITY, OrderField.PICKUP_PROVINCE,
        OrderField.PICKUP_NAME, OrderField.PICKUP_PHONE, OrderField.PICKUP_NOTES,
    )),
    ("dropoff", (
        OrderField.ADDRESS, OrderField.CITY, OrderField.PROVINCE, OrderField.NAME,
        OrderField.PHONE, OrderField.NOTES,
    )),
    ("parcel", (
        OrderField.ORDER, OrderField.DESCRIPTION, OrderField.WEIGHT, OrderField.VALUE,
        OrderField.PAYMENT, OrderField.COD, OrderField.PICKUP_AT, OrderField.DELIVERY_AT,
        OrderField.SCENARIO,
    )),
)  # fmt: skip
"""The fields of the form, side by side as people fill them in."""

_KINDS: Final = {
    OrderField.PHONE: "tel",
    OrderField.PICKUP_PHONE: "tel",
    OrderField.PICKUP_AT: "datetime-local",
    OrderField.DELIVERY_AT: "datetime-local",
}
_NUMBERS: Final = frozenset({OrderField.WEIGHT, OrderField.VALUE, OrderField.COD})


async def create(request: Request, visit: Visit) -> Response:
    """Shows the form; quotes what was filled in; creates what was chosen."""
    ordering = by_hand(request).ordering(visit)
    page = _NewPage(request, visit, ordering)
    if request.method in SAFE and not visit.form.fields:
        return page.shown()
    return await page.sent()


class _NewPage:
    """The form for one visit."""

    def __init__(self, request: Request, visit: Visit, ordering: Ordering) -> None:
        self._request = request
        self._visit = visit
        self._ordering = ordering
        self._rules: OrderRules = ordering.rules(visit.account)
        self._fields = [field for _, fields in GROUPS for field in fields if self._has(field)]
        self._typed = {str(field): visit.form.value(field) for field in self._fields}

    def _has(self, field: OrderField) -> bool:
        if field is OrderField.SCENARIO and self._visit.mode is not Mode.SANDBOX:
            return False
        return field in self._rules.fields

    def shown(
        self,
        faults: Mapping[str, str] | None = None,
        said: str = "",
        quotes: list[Quote] | None = None,
        status: int = 200,
    ) -> Response:
        """Returns the form with what was typed, what is wrong with it, and the quotes."""
        account = self._visit.account
        groups = [
            (name, [self._field(field) for field in fields if field in self._fields])
            for name, fields in GROUPS
        ]
        return render(
            self._visit,
            _TEMPLATE,
            status=status,
            here=f"{self._visit.home}/deliveries/new",
            back=f"{self._visit.home}/deliveries",
            groups=groups,
            typed=self._typed,
            faults=dict(faults or {}),
            summary=[
                (field, f"{gettext(FIELDS[OrderField(field)])}: {text}")
                for field, text in (faults or {}).items()
                if field in set(OrderField)
            ],
            said=said,
            quotes=quotes,
            chosen=self._visit.form.value("quote") or (quotes[0].id.hex if quotes else ""),
            currency=account.market.currency,
        )

    def _field(self, field: OrderField) -> dict[str, object]:
        options: list[tuple[str, str]] = []
        if field is OrderField.PAYMENT:
            options = [(method, gettext(METHODS[method])) for method in PaymentMethod]
        if field is OrderField.SCENARIO:
            options = [("", gettext("It goes well"))]
            options += [(name, name) for name in SCENARIOS]
        return {
            "name": str(field),
            "label": gettext(FIELDS[field]),
            "kind": _KINDS.get(field, "text"),
            "options": options,
            "required": field in self._rules.required,
            "attrs": {"inputmode": "decimal"} if field in _NUMBERS else {"maxlength": 500},
        }

    async def sent(self) -> Response:
        """Quotes what was filled in, or creates what was chosen."""
        visit = self._visit
        try:
            order = self._order()
        except OrderRefusedError as refusal:
            faults = {field: reason(text) for field, text in reversed(refusal.faults)}
            return self.shown(faults, gettext("Look at the fields that are marked."), status=422)
        if visit.form.value("step") == "create":
            return await self._create(order)
        return await self._quoted(order)

    def _order(self) -> AcceptedOrder:
        form = read_form(self._typed, self._visit.account.market.time_zone)
        return self._rules.read(form, self._visit.account, self._visit.mode)

    async def _quoted(self, order: AcceptedOrder, said: str = "", status: int = 200) -> Response:
        visit = self._visit
        try:
            quotes = await self._ordering.quotes(visit.account, visit.mode, order)
        except Refusal as refusal:
            return self.shown(said=refused(refusal), status=422)
        if not quotes:
            said = gettext("No courier company carries this parcel on this route.")
            return self.shown(said=said, status=422)
        return self.shown(said=said, quotes=quotes, status=status)

    async def _create(self, order: AcceptedOrder) -> Response:
        visit, token = self._visit, self._visit.form.token
        try:
            quote = UUID(hex=visit.form.value("quote"))
        except ValueError:
            return await self._quoted(order, gettext("Choose a quote."), 422)

        # the same form with the same content is the same order, whichever quote is chosen
        key = sha256(f"{visit.person.id} {token} {order!r}".encode()).hexdigest()

        async def do() -> Response:
            try:
                made = await self._ordering.create(
                    visit.account,
                    visit.mode,
                    order,
                    key,
                    quote,
                    visit.platform.by,
                )
            except Unavailable:
                raise  # nobody knows whether it was created: the same form finds it
            except Refusal as refusal:
                return await self._quoted(order, refused(refusal), 422)
            place = f"{visit.home}/deliveries/{made.delivery_id.hex}"
            return visit.go(place, gettext("The delivery is created."))

        return await visit.once(do)
