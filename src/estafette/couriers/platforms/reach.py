"""How to reach companies that have a platform of their own: their links, by mode."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import Company
from estafette.usecases.couriers.links import link_of
from estafette.usecases.platform import Platform


@dataclass(frozen=True, slots=True)
class Access:
    """How a company's platform is reached in one mode; `base_url` is without a slash at the end."""

    company_id: UUID
    slug: str
    base_url: str
    key: str = field(repr=False)


Reach = Callable[[Company, Mode], Awaitable[Access | None]]
"""Finds how a company is reached in a mode; None: it is not connected for that."""


def reach_through(platform: Platform) -> Reach:
    """Returns a `Reach` that looks among the links of `platform`."""

    async def reach(company: Company, mode: Mode) -> Access | None:
        link = await link_of(platform, company.id)
        key = link.keys.get(mode) if link else None
        if link is None or key is None:
            return None
        return Access(company.id, company.slug, link.base_url, key)

    return reach
