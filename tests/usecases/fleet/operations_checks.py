"""What must hold of companies, drivers and merchants after whatever was done.

Everything is told from the rows alone, against what the contracts and the documents say: the
statuses' table as in `tests.core.life`, the webhooks as each dialect's contract promises them, the
books as in their table.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.proofs.proof import ProofKind, ProofStage
from estafette.store.deliveries import rows
from tests.core.life import Life
from tests.rows import tables
from tests.usecases.fleet.operations import CARRIED, HOLDS, Operations, Row

OPEN = {"offered", "accepted"}
OVER = {"delivered", "cancelled", "failed"}
UNDER_WAY = {"assigned", "pickup_ready", "in_transit", "out_for_delivery"}
KASPI = ["created", "accepted", "in_transit", "out_for_delivery", "delivered"]
KASPI_SHOWS = {
    "awaiting_payment": "created",
    "pending": "created",
    "assigned": "accepted",
    "pickup_ready": "accepted",
    "in_transit": "in_transit",
    "out_for_delivery": "out_for_delivery",
    "delivered": "delivered",
}


def promised(dialect: str, been: Sequence[str]) -> list[list[str]]:
    """Which webhooks a dialect's contract promises of a delivery that has been in these statuses.

    For each status: of Entrega the event of that name, `created` for the first one; of Kaspi each
    status that it shows once, in their order, with none left out.
    """
    if dialect == "entrega":
        return [["delivery.created"], *([f"delivery.{status}"] for status in been[1:])]
    told: list[list[str]] = []
    reached = 0
    for status in been:
        until = 1 + KASPI.index(KASPI_SHOWS[status]) if status in KASPI_SHOWS else 0
        shown = ["cancelled"] if status == "cancelled" else KASPI[reached:until]
        told.append([f"delivery.{word}" for word in shown])
        reached = max(reached, until)
    return told


def _by(rows: Sequence[Row], *names: str) -> dict[Any, list[Row]]:
    """Rows by the values of columns, or of the one column that is named."""
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        key = tuple(row[name] for name in names)
        found[key if len(names) > 1 else key[0]].append(row)
    return found


@dataclass
class Checks:
    """Looks at everything after each step; what must not change between steps is remembered.

    `payments` and `handovers` are what was acknowledged; `hands` is how much cash each driver has.
    `may_rise` allows in the next look that a limit is passed: a handover was reversed.
    """

    of: Operations
    payments: list[tuple[UUID, str, str, UUID | None, int]] = field(
        default_factory=list[tuple[UUID, str, str, UUID | None, int]]
    )
    handovers: dict[UUID, str] = field(default_factory=dict[UUID, str])
    ended: dict[UUID, Row] = field(default_factory=dict[UUID, Row])
    hands: Counter[UUID] = field(default_factory=Counter[UUID])
    cash_before: dict[UUID, int] = field(default_factory=dict[UUID, int])
    may_rise: bool = False

    async def hold(self) -> None:
        """Raises AssertionError for what does not hold."""
        of = self.of
        seen = {
            name: await of.read(name, order)
            for name, order in (
                ("deliveries", "id"),
                ("events", "delivery_id, seq"),
                ("messages", None),
                ("assignments", "delivery_id, number"),
                ("proofs", None),
                ("ledger_entries", None),
                ("tour_stops", None),
            )
        }
        known = [rows.delivery(row) for row in seen["deliveries"]]
        events = _by(seen["events"], "delivery_id")
        given = _by(seen["assignments"], "delivery_id")
        self._returns(known)
        for delivery in known:
            self._life(delivery, events[delivery.id])
            self._assignments(delivery, given[delivery.id], events[delivery.id])
        self._vehicles(known, seen["assignments"], seen["tour_stops"])
        self._webhooks(known, events, seen["messages"])
        self._proofs(known, events, _by(seen["proofs"], "delivery_id"))
        await self._money(known, given, seen["ledger_entries"])

    def _returns(self, known: Sequence[Delivery]) -> None:
        """Nothing is there that nobody ordered, but returns, which are linked both ways."""
        by_id = {one.id: one for one in known}
        assert set(self.of.deliveries) <= by_id.keys(), "a delivery was acknowledged and is lost"
        for one in known:
            if one.id not in self.of.deliveries:
                assert one.return_of is not None
                assert by_id[one.return_of].return_id == one.id
                self.of.deliveries.append(one.id)
            if one.return_id is not None:
                assert by_id[one.return_id].return_of == one.id

    def _life(self, delivery: Delivery, events: Sequence[Row]) -> None:
        """Each status has its event, and each was allowed."""
        been = [event["status"] for event in events]
        life = Life(been[0])
        for status in been[1:]:
            assert life.move(status), (been, status)
        assert (delivery.status, delivery.milestone) == (life.status, life.milestone)
        assert [event["seq"] for event in events] == list(range(1, delivery.progress.seq + 1))
        times = [event["occurred_at"] for event in events]
        assert times == sorted(times)

    def _assignments(self, delivery: Delivery, given: Sequence[Row], events: Sequence[Row]) -> None:
        """One driver has it, or it is offered, waits, is over, or is stalled with a reason."""
        accepted = [one for one in given if one["state"] == "accepted"]
        offered = [one for one in given if one["state"] == "offered"]
        assert len(accepted) <= 1, "two drivers have one delivery"
        assert not (accepted and offered), "it is offered although somebody has it"
        assert [one["number"] for one in given] == list(range(1, len(given) + 1))
        assert len({one["driver_id"] for one in offered}) == len(offered)
        for one in given:
            able = self.of.phone_of(one["driver_id"]).driver
            assert able.lacks(delivery.skills) == (), "its driver lacks what it demands"
            assert (one["state"] in OPEN) == (one["ended_at"] is None)
            assert (one["state"] == "offered") == (one["answer_by"] is not None)
            assert one["state"] != "accepted" or one["accepted_at"] is not None
            if one["state"] not in OPEN:
                before = self.ended.setdefault(one["id"], one)
                assert one["state"] == before["state"], "what has ended does not go on"
        status = delivery.status.value
        if status in OVER:
            assert not accepted, "a driver has what is over"
            assert not offered, "what is over is offered"
        done = [one for one in given if one["state"] == "done"]
        assert len(done) <= (status == "delivered"), "handed over twice, or not delivered"
        if status == "pending":
            assert not accepted, "a driver has what is nobody's"
        by_hand = any(one["actor"] == "operator" for one in events)
        if status in UNDER_WAY and not accepted:
            assert by_hand, "it is nowhere"
        if status == "stalled":
            assert events[-1]["note"], "it is stalled without a reason"
        for one in accepted:
            if one["picked_up_at"] is not None:
                assert delivery.progress.picked_up, "it is on board of a driver who never had it"
            elif delivery.progress.picked_up:  # under way without a driver, by hand, and then given
                assert by_hand, "its driver has it on board, and is to fetch it"

    def _vehicles(
        self, known: Sequence[Delivery], given: Sequence[Row], stops: Sequence[Row]
    ) -> None:
        """Whatever was accepted fits into the vehicle, and its stops are in the tour, once."""
        mine = _by([one for one in given if one["state"] == "accepted"], "driver_id")
        weights = {one.id: one.parcel.weight_grams for one in known}
        in_tour = _by(stops, "driver_id")
        for phone in self.of.phones:
            carried = mine[phone.driver.id]
            grams = sum(weights[one["delivery_id"]] for one in carried)
            assert grams <= HOLDS.grams, "the vehicle is too heavy"
            assert len(carried) <= HOLDS.parcels, "the vehicle is too full"
            expected = Counter[tuple[UUID, str]]()
            for one in carried:
                kinds = ["dropoff"] if one["picked_up_at"] else ["dropoff", "pickup"]
                expected.update((one["delivery_id"], kind) for kind in kinds)
            there = in_tour[phone.driver.id]
            assert Counter((one["delivery_id"], one["kind"]) for one in there) == expected
        assert in_tour.keys() <= {phone.driver.id for phone in self.of.phones}

    def _webhooks(
        self,
        known: Sequence[Delivery],
        events: Mapping[UUID, Sequence[Row]],
        messages: Sequence[Row],
    ) -> None:
        """Each event is announced as its dialect promises, once to each endpoint."""
        sent = Counter((one["delivery_id"], one["seq"], one["ordinal"]) for one in messages)
        owed = Counter[tuple[UUID, int, int]]()
        for delivery in known:
            merchant = self.of.merchant_of(delivery)
            endpoints = 1 + self.of.merchants.index(merchant) % 2
            been = [event["status"] for event in events[delivery.id]]
            told = promised(merchant.account.dialect, been)
            assert [list(event["announced"]) for event in events[delivery.id]] == told
            for seq, types in enumerate(told, 1):
                for ordinal in range(len(types)):
                    owed[delivery.id, seq, ordinal] = endpoints
        assert sent == owed, "a webhook is missing, or is sent twice"
        to = Counter(
            (one["endpoint_id"], one["delivery_id"], one["seq"], one["ordinal"]) for one in messages
        )
        assert set(to.values()) <= {1}

    def _proofs(
        self,
        known: Sequence[Delivery],
        events: Mapping[UUID, Sequence[Row]],
        proofs: Mapping[UUID, Sequence[Row]],
    ) -> None:
        """What was acknowledged is kept, once; without what is demanded no driver goes on."""
        kept = Counter(one["id"] for all_of in proofs.values() for one in all_of)
        pins = {one["id"] for all_of in proofs.values() for one in all_of if one["kind"] == "pin"}
        assert kept == Counter([*self.of.proofs, *pins])
        for delivery in known:
            there = {(one["stage"], one["kind"]) for one in proofs[delivery.id]}
            for event in events[delivery.id]:
                if event["actor"] == "driver":
                    needed = self._demanded(delivery, Status(event["status"]))
                    assert needed <= there, "a driver went on without a proof"

    def _demanded(self, delivery: Delivery, to: Status) -> set[tuple[str, str]]:
        market = self.of.merchant_of(delivery).account.market.code
        demand = delivery.proof | CARRIED[market].proof
        if to is Status.IN_TRANSIT:
            stage = ProofStage.PICKUP
        elif to is not Status.DELIVERED:
            return set()
        else:
            stage = ProofStage.DROPOFF if delivery.return_of is None else ProofStage.RETURN
        needed = {(stage.value, kind.value) for kind in demand.at(stage) - {ProofKind.PIN}}
        if to is Status.DELIVERED and delivery.pin is not None:
            needed.add((ProofStage.DROPOFF.value, ProofKind.PIN.value))
        return needed

    async def _money(
        self,
        known: Sequence[Delivery],
        given: Mapping[UUID, Sequence[Row]],
        entries: Sequence[Row],
    ) -> None:
        """Every transfer sums to zero, nobody is paid twice, and each book says what it must."""
        by_transfer = _by(entries, "account_id", "delivery_id", "cause")
        for lines in by_transfer.values():
            assert sum(line["amount"] for line in lines) == 0, "a transfer does not sum to zero"
        handed = await tables.read(
            self.of.platform.pool, "cash_handovers", {"company_id": self.of.company_ids}
        )
        states = {one["id"]: one["state"] for one in handed}
        assert states == self.handovers, "a handover is not what was acknowledged"
        owed = self._owed(known, given, handed)
        booked = Counter[Any]()
        for line in entries:
            booked[
                _book(line["book"], line["account_id"], line["company_id"], line["driver_id"])
            ] += line["amount"]
        assert {key: sum_ for key, sum_ in booked.items() if sum_} == {
            key: sum_ for key, sum_ in owed.items() if sum_
        }, "a book is wrong"
        for market, company in self.of.companies.items():
            assert booked["cash", company.id] >= 0, (market, "more was settled than there is")
        await self._hands(known, given, booked)

    def _owed(
        self,
        known: Sequence[Delivery],
        given: Mapping[UUID, Sequence[Row]],
        handed: Sequence[Row],
    ) -> Counter[Any]:
        """What each book must say, from what was delivered, counted and paid."""
        owed = Counter[Any]()
        for one in known:
            if one.status is not Status.DELIVERED:
                continue
            assert one.company_id is not None
            account = one.scope.account_id
            company_fee = one.fee if one.company_fee is None else one.company_fee
            owed["merchant", account] += one.fee
            owed["company", one.company_id] -= company_fee
            owed["platform", account] += company_fee - one.fee
            cash = 0 if one.id in self.of.uncollected else one.payment.cash_collect or 0
            done = [each["driver_id"] for each in given[one.id] if each["state"] == "done"]
            taker = ("driver", done[0]) if done else ("cash", one.company_id)
            owed["merchant", account] -= cash
            owed[taker] += cash
        for row in handed:
            if row["state"] == "counted":
                owed["driver", row["driver_id"]] -= row["declared"]
                owed["cash", row["company_id"]] += row["counted"]
                owed["company", row["company_id"]] += row["declared"] - row["counted"]
        for account, cause, book, company_id, amount in self.payments:
            sum_ = -amount if cause == "settled" else amount
            owed[_book(book, account, company_id, None)] += sum_
            owed["platform", account] -= sum_
        return owed

    async def _hands(
        self, known: Sequence[Delivery], given: Mapping[UUID, Sequence[Row]], booked: Counter[Any]
    ) -> None:
        """What each driver has in hand is in the driver's book, and no offer goes over a limit."""
        pool, ours = self.of.platform.pool, {"company_id": self.of.company_ids}
        self.hands = in_hand = Counter[UUID]()
        entries = Counter[UUID]()
        for row in await tables.read(pool, "driver_cash", ours):
            assert row["in_hand"] >= 0
            in_hand[row["driver_id"]] += row["in_hand"]
        for row in await tables.read(pool, "driver_cash_entries", ours):
            entries[row["driver_id"]] += row["amount"]
        to_collect = Counter[UUID]()
        for one in known:
            for each in given[one.id]:
                if each["state"] == "accepted" and one.status.value not in OVER:
                    to_collect[each["driver_id"]] += one.payment.cash_collect or 0
        for phone in self.of.phones:
            id, limit = phone.driver.id, phone.driver.cash_limit
            assert in_hand[id] == entries[id] == booked["driver", id]
            now, before = in_hand[id] + to_collect[id], self.cash_before.get(id, 0)
            if limit is not None and not self.may_rise:
                assert now <= max(limit, before), "a driver was given more cash than allowed"
            self.cash_before[id] = now
        self.may_rise = False


def _book(book: str, account: UUID, company: UUID | None, driver: UUID | None) -> tuple[str, UUID]:
    """A book's name: merchants' and the platform's by account, others by whose they are."""
    if book == "driver":
        assert driver is not None
        return book, driver
    if book in ("merchant", "platform"):
        return book, account
    assert company is not None
    return book, company
