"""The platforms that courier companies have, and the state of the deliveries given to them."""

from collections.abc import Sequence
from typing import NamedTuple

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import Company, Connector
from estafette.store.couriers import companies, dispatch_counts
from estafette.store.couriers.dispatch_counts import DispatchCount
from estafette.usecases.people.connect import reading
from estafette.usecases.platform import Platform


class ConnectedPlatform(NamedTuple):
    """A company with a platform of its own: its address, the modes it serves, its deliveries there.

    While the company is not linked, `url` is None and it serves no mode.
    """

    company: Company
    url: str | None
    modes: Sequence[Mode]
    standing: Sequence[DispatchCount]


async def list_platforms(platform: Platform) -> list[ConnectedPlatform]:
    """Returns every company that has a platform of its own, by market and name."""
    links = await platform.catalog.links()
    async with reading(platform) as connection:
        found: list[ConnectedPlatform] = []
        for company in await companies.every(connection):
            if company.connector is not Connector.REMOTE:
                continue
            link = links.get(company.id)
            standing = await dispatch_counts.standing_at(connection, company.id)
            modes = [mode for mode in Mode if link is not None and mode in link.keys]
            found.append(ConnectedPlatform(company, link and link.base_url, modes, standing))
    return found
