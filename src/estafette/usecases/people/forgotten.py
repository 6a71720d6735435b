"""Send somebody who has forgotten their password a letter with a link to choose a new one."""

import asyncio
from datetime import timedelta
from typing import Final

from estafette.core.audit import AuditedAct, By
from estafette.core.notifications.letter import is_address
from estafette.core.people.person import FieldError, Person, read_email
from estafette.store.people import invitations
from estafette.store.people import table as people
from estafette.store.work import UnitOfWork
from estafette.usecases import audit
from estafette.usecases.accounts.secrets import key_hash, new_token
from estafette.usecases.people import letters
from estafette.usecases.people.connect import reading
from estafette.usecases.people.invite import link_path, reset_of
from estafette.usecases.people.passwords import (
    MOST_FROM_ADDRESS,
    must_be_few,
    of_address,
    of_person,
)
from estafette.usecases.people.sessions import Client
from estafette.usecases.platform import Platform

LINK_LENGTH: Final = timedelta(hours=1)

MOST_LETTERS: Final = 3
"""How many such letters somebody is sent in a quarter of an hour."""

_SECONDS: Final = 0.25
"""After so long whoever asks is answered, whether there is such a person or not."""


async def send_link(platform: Platform, email: str, client: Client) -> None:
    """Writes the letter, if there is such a person. Their password and sessions stay until then.

    Neither the answer nor its time tells whether there is. Raises TooManyAttempts, Busy or
    Unavailable.
    """
    begun = asyncio.get_running_loop().time()
    try:
        named = read_email(email)
    except FieldError:
        named = "nobody"
    subject, place = of_person(f"letter to {named}"), of_address(client.address)
    await must_be_few(platform, [(subject, MOST_LETTERS), (place, MOST_FROM_ADDRESS)])
    async with reading(platform) as connection:
        known = await people.by_email(connection, named)
        if known is not None and known.person.disabled_at is None and is_address(named):
            async with platform.transaction(connection) as work:
                await _write(work, platform, known.person, client)
    await asyncio.sleep(max(0.0, begun + _SECONDS - asyncio.get_running_loop().time()))


async def _write(work: UnitOfWork, platform: Platform, person: Person, client: Client) -> None:
    token = new_token("")
    invitation = reset_of(person, LINK_LENGTH)
    await invitations.insert(work.connection, invitation, key_hash(token), LINK_LENGTH)
    await letters.reset(work, platform, invitation, link_path(token), LINK_LENGTH)
    by = By(platform.by.kind, platform.by.name, client.address)
    await audit.note(work.connection, by, AuditedAct.PASSWORD_LINK_SENT, person.id)
