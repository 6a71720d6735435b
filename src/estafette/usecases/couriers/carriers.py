"""Choose who carries for an account whose API names no company, and set who may."""

from collections.abc import Sequence
from uuid import UUID

from estafette.core.accounts.account import Account, Market
from estafette.core.audit import AuditedAct
from estafette.core.couriers.carriers import (
    MOST_CARRIERS,
    Carrier,
    CarrierChoice,
    CarrierPolicy,
    choose,
)
from estafette.core.couriers.company import (
    Company,
    Connector,
    Obstacle,
    Offer,
    QuoteRequest,
    obstacle,
    offer_by_tariff,
)
from estafette.core.deliveries.delivery import Delivery
from estafette.core.edition import edition_of, must_be
from estafette.store.accounts import table as accounts
from estafette.store.couriers import carriers, companies
from estafette.usecases import audit
from estafette.usecases.catalog import Companies
from estafette.usecases.platform import Platform
from estafette.usecases.quotes.places import place_of


class CarriersRefusedError(ValueError):
    """The policy cannot be kept; the message says why, in a sentence without its full stop."""


class CompanyNamedError(CarriersRefusedError):
    """Each order of the account names its company, so that carriers would change nothing."""

    def __init__(self) -> None:
        """The message is the same for every account."""
        super().__init__("each order of this account names its company, so nobody else may carry")


async def carrier_of(platform: Platform, market: Market, delivery: Delivery) -> Carrier | None:
    """Returns who carries a new delivery by its account's policy; None: the account has none.

    The companies are judged as for Entrega's quotes: by zone, weight, size and hours at its
    creation, and by their price lists. It costs an account without carriers a look into memory.
    """
    policy = (await platform.catalog.carriers()).get(delivery.scope.account_id)
    if policy is None:
        return None
    cities = (await platform.catalog.prices(market.code)).cities
    known = await platform.catalog.companies(market.code)
    start, end = delivery.pickup, delivery.dropoff
    origin, destination = place_of(cities, start), place_of(cities, end)
    scope = delivery.scope
    wanted = QuoteRequest(
        start, end, delivery.parcel, origin.city, destination.city, scope.mode, scope.account_id
    )
    places = origin.names, destination.names
    named = [one for id in policy.companies if (one := known.by_id(id))]
    asked = [(one, _answer(one, known, wanted, *places, delivery)) for one in named]
    return choose(policy.choice, asked)


def _answer(
    company: Company,
    known: Companies,
    wanted: QuoteRequest,
    origin: frozenset[str],
    destination: frozenset[str],
    delivery: Delivery,
) -> Offer | Obstacle:
    found = obstacle(company, origin, destination, delivery.parcel, delivery.created_at)
    if found is not None:
        return found
    return offer_by_tariff(company, known.prices(company.id), wanted) or Obstacle.PRICE


async def carriers_of(platform: Platform, account: Account) -> CarrierPolicy | None:
    """Returns an account's policy; None: it has none."""
    return (await platform.catalog.carriers()).get(account.id)


def names_company(platform: Platform, account: Account) -> bool:
    """Whether each order of an account names the company that carries it, as its API has it."""
    dialect = platform.dialects.get(account.dialect)
    return dialect is not None and dialect.names_company


async def set_carriers(
    platform: Platform,
    account: Account,
    choice: CarrierChoice,
    wanted: Sequence[UUID],
    *,
    edition: str | None = None,
) -> CarrierPolicy:
    """Has companies carry an account's live deliveries from now on, in this order of preference.

    `edition` is that of the policy as it was opened, which may have been none; None skips the
    comparison. Raises CompanyNamedError; CarriersRefusedError for none or too many, and for what is
    no in-house company that serves the account; EditedMeanwhileError.
    """
    if names_company(platform, account):
        raise CompanyNamedError
    policy = CarrierPolicy(choice, tuple(dict.fromkeys(wanted)))
    if not 1 <= len(policy.companies) <= MOST_CARRIERS:
        raise CarriersRefusedError(f"name 1 to {MOST_CARRIERS} companies")
    async with platform.pool.acquire() as connection, connection.transaction():
        await accounts.lock(connection, account.id)
        for id in policy.companies:
            company = await companies.find(connection, id)
            if company is None or company.market != account.market.code:
                raise CarriersRefusedError(f"there is no such company in this market: {id}")
            if company.account_id not in (None, account.id):
                raise CarriersRefusedError(f"{company.name} serves another account alone")
            if company.connector is not Connector.INHOUSE:
                raise CarriersRefusedError(f"{company.name} is no in-house company")
        before = await carriers.lock(connection, account.id)
        must_be(edition, edition_of(before))
        await carriers.save(connection, account.id, policy)
        facts = {"carriers": [_said(before), _said(policy)]}
        act = AuditedAct.CARRIERS_CHANGED
        await audit.note(connection, platform.by, act, account.id, facts, of=account.id)
    return policy


async def drop_carriers(platform: Platform, account: Account, edition: str | None = None) -> None:
    """Has nobody carry for an account by itself any more. Raises EditedMeanwhileError."""
    async with platform.pool.acquire() as connection, connection.transaction():
        before = await carriers.lock(connection, account.id)
        must_be(edition, edition_of(before))
        if before is None:
            return
        await carriers.remove(connection, account.id)
        facts = {"carriers": [_said(before), None]}
        act = AuditedAct.CARRIERS_CHANGED
        await audit.note(connection, platform.by, act, account.id, facts, of=account.id)


def _said(policy: CarrierPolicy | None) -> list[str] | None:
    return None if policy is None else [policy.choice, *map(str, policy.companies)]
