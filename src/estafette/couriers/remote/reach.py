"""How companies are reached: their links, in the mode that is asked for."""

from collections.abc import Awaitable, Callable

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import Company
from estafette.couriers.remote.client import Access
from estafette.usecases.couriers.links import link_of
from estafette.usecases.platform import Platform

Reach = Callable[[Company, Mode], Awaitable[Access | None]]
"""Finds how a company is reached in a mode; None: it is not connected for that."""


def reach_through(platform: Platform) -> Reach:
    """Finds it among the links of `platform`."""

    async def reach(company: Company, mode: Mode) -> Access | None:
        link = await link_of(platform, company.id)
        key = link.keys.get(mode) if link else None
        if link is None or key is None:
            return None
        return Access(company.id, company.slug, link.base_url, key)

    return reach
