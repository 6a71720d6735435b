"""What people are written: invitations and resets, in the transaction that makes their links."""

from typing import Any

import orjson
import pytest

from estafette.core.audit import By
from estafette.core.people.permission import Role
from estafette.core.people.refusals import AlreadyMember
from estafette.usecases.people.administration import reset_person
from estafette.usecases.people.invite import invite
from estafette.usecases.platform import Platform
from tests.rows import tables
from tests.usecases.people.people import account, new_email, new_person
from tests.usecases.stage import Tenant


async def written(platform: Platform, address: str) -> list[dict[str, Any]]:
    """The letters to an address that wait: kind, language and facts."""
    found: list[dict[str, Any]] = []
    for row in await tables.read(platform.pool, "letters", order="created_at"):
        if row["content"] is None:
            continue
        letter = orjson.loads(platform.cipher.decrypt(row["content"], row["id"].bytes))
        if letter["to"] == address:
            found.append({"kind": row["kind"], "language": letter["language"], **letter["facts"]})
    return found


async def test_who_is_invited_gets_the_link_and_is_told_by_whom(tenant: Tenant) -> None:
    inviter, address = await new_person(tenant.platform), new_email()
    by = By.person(inviter.person.id, None)
    link = await invite(
        tenant.platform.acting(by),
        account(tenant.account.id),
        Role.DEVELOPER,
        address,
        language="kk",
    )
    assert await written(tenant.platform, address) == [
        {
            "kind": "invitation",
            "language": "kk",
            "organisation": tenant.account.name,
            "inviter": inviter.person.name,
            "link": f"http://delivery.example{link.path}",
            "hours": "168",
        }
    ]


async def test_an_invitation_that_is_refused_or_names_nobody_sends_nothing(tenant: Tenant) -> None:
    of = account(tenant.account.id)
    member = await new_person(tenant.platform, of)
    before = await tables.count(tenant.platform.pool, "letters")
    with pytest.raises(AlreadyMember):
        await invite(tenant.platform, of, Role.VIEWER, member.person.email)
    await invite(tenant.platform, of, Role.VIEWER, None)
    await invite(tenant.platform, of, Role.VIEWER, "дана@мысал.example")  # no mailbox of ASCII
    assert await tables.count(tenant.platform.pool, "letters") == before


async def test_whose_password_is_taken_gets_the_link_of_the_reset(tenant: Tenant) -> None:
    person = (await new_person(tenant.platform)).person
    link = await reset_person(tenant.platform, person.id)
    [_, reset] = await written(tenant.platform, person.email)
    assert reset == {
        "kind": "password_reset",
        "language": person.language,
        "link": f"http://delivery.example{link.path}",
        "hours": "24",
    }
