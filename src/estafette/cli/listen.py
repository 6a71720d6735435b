"""`estafette listen`: events as they happen, and a local port that gets them as webhooks."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from yarl import URL

from estafette.cli.output import OK, misused, note, say, say_json, styled
from estafette.cli.session import on_platform
from estafette.cli.words import AsJson
from estafette.core.accounts.account import Account, Mode
from estafette.core.ids import new_id
from estafette.terminal import plain
from estafette.usecases.accounts.administration import DEFAULT_ENDPOINT, find_account, list_accounts
from estafette.usecases.deliveries.follow import Following, Happened
from estafette.usecases.platform import Platform
from estafette.usecases.webhooks.endpoints import list_endpoints
from estafette.webhooks.guard import UrlRefusedError, check_url
from estafette.webhooks.message import Message, Renderer
from estafette.webhooks.standard import signed_headers

if TYPE_CHECKING:
    from aiohttp import ClientSession

_POLL_SECONDS = 0.25
_FORWARD_SECONDS = 10.0

_Answer = int | str
"""The status of an answer, or why there is none."""


def listen(
    *,
    account: Annotated[str | None, Parameter(help="Of this account alone.")] = None,
    mode: Annotated[Mode | None, Parameter(help="Of this mode alone: sandbox or live.")] = None,
    forward_to: Annotated[
        str | None, Parameter(help="POST them, signed, to this URL of your own.")
    ] = None,
    json: AsJson = False,
) -> int:
    """Print events as they happen; with --forward-to, also send them to a local port.

    Forwarded webhooks are signed with the account's own secret. They are extra: nothing is retried,
    and the account's endpoints get theirs as always. Ctrl-C ends it.
    """
    if forward_to is not None:
        try:
            check_url(forward_to)
        except UrlRefusedError as error:
            raise misused(f"{forward_to}: {error}") from None

    async def work(platform: Platform) -> None:
        of = await find_account(platform, account) if account else None
        watch = Following(platform, of, mode)
        await watch.news()
        if json:
            say_json({"event": "listening"})
        else:
            whose = account or "all accounts"
            where = f", forwarding to {forward_to}" if forward_to else ""
            note(styled(f"Listening to {whose}{where}; Ctrl-C ends it", "dim", sys.stderr))
        accounts: dict[Any, Account] = {}
        async with _forwarder(platform, forward_to) as forwarder:
            while True:
                for happened in await watch.news():
                    if happened.account_id not in accounts:
                        accounts = {found.id: found for found in await list_accounts(platform)}
                    of = accounts[happened.account_id]
                    answers: Mapping[str, _Answer] = {}
                    if forwarder is not None:
                        answers = await forwarder.forward(of, happened)
                    (_say_json if json else _say)(of, happened, answers)
                if not watch.has_more:
                    await asyncio.sleep(_POLL_SECONDS)

    on_platform(work)
    return OK


class _Forwarder:
    """Sends what an endpoint would get, once, to one URL."""

    def __init__(
        self,
        platform: Platform,
        url: str,
        renderers: Mapping[str, Renderer],
        session: "ClientSession",
    ) -> None:
        self._platform = platform
        self._url = url
        self._renderers = renderers
        self._session = session

    async def forward(self, account: Account, happened: Happened) -> dict[str, _Answer]:
        """The answers by webhook type."""
        event = happened.event
        if not event.announced:
            return {}
        every = await list_endpoints(self._platform, account.id)
        endpoint = next(
            (
                found
                for found in every
                if found.scope.mode is happened.mode and found.name == DEFAULT_ENDPOINT
            ),
            None,
        )
        if endpoint is None:
            return dict.fromkeys(event.announced, "there is no default endpoint to sign for")
        answers: dict[str, _Answer] = {}
        for ordinal, type in enumerate(event.announced):
            message = Message(
                id=new_id(),
                scope=endpoint.scope,
                endpoint_id=new_id(),
                dialect=account.dialect,
                url=self._url,
                secret=endpoint.secret,
                type=type,
                attempt=1,
                event_id=event.id,
                ordinal=ordinal,
                is_test=False,
                occurred_at=event.occurred_at,
                delivery_id=event.delivery_id,
                external_ref=happened.external_ref,
                reference=happened.reference,
                metadata=happened.metadata,
                seq=event.seq,
                status=event.status,
                milestone=event.milestone,
            )
            answers[type] = await self._post(endpoint.format, message)
        return answers

    async def _post(self, format: str, message: Message) -> _Answer:
        from aiohttp import ClientConnectorError, ClientError

        now = int(time.time())
        request = self._renderers[message.dialect].render(message, now)
        try:
            async with self._session.post(
                URL(self._url, encoded=True),
                headers=signed_headers(format, message, request, now),
                data=request.body,
                allow_redirects=False,
            ) as response:
                return response.status
        except ClientConnectorError as error:
            return os.strerror(error.errno) if error.errno else "no connection"
        except (ClientError, TimeoutError, OSError) as error:
            return str(error) or type(error).__name__


@asynccontextmanager
async def _forwarder(platform: Platform, url: str | None) -> AsyncGenerator[_Forwarder | None]:
    if url is None:
        yield None
        return
    from aiohttp import ClientSession, ClientTimeout  # who only listens sends nothing

    from estafette.app import RENDERERS

    timeout = ClientTimeout(total=_FORWARD_SECONDS)
    async with ClientSession(timeout=timeout) as session:
        yield _Forwarder(platform, url, RENDERERS, session)


def _say(account: Account, happened: Happened, answers: Mapping[str, _Answer]) -> None:
    from estafette.app import shown_id

    event = happened.event
    delivery = shown_id(account.dialect, event.delivery_id)
    order = f"  {plain(happened.external_ref)}" if happened.external_ref else ""
    note_text = styled(f"  {plain(event.note)}", "dim") if event.note else ""
    say(
        f"{styled(f'{event.occurred_at:%H:%M:%S}', 'dim')}  {event.status.value:16}"
        f"  {account.name}/{happened.mode.value}  {delivery}{order}{note_text}"
    )
    for type in event.announced:
        answer = answers.get(type)
        if answer is None:
            say(f"          {styled(type, 'cyan')}")
        else:
            style = "green" if isinstance(answer, int) and 200 <= answer < 300 else "red"
            say(f"          {styled(type, 'cyan')} → {styled(str(answer), style)}")


def _say_json(account: Account, happened: Happened, answers: Mapping[str, _Answer]) -> None:
    from estafette.app import shown_id

    event = happened.event
    say_json(
        {
            "event": "happened",
            "account": account.name,
            "mode": happened.mode,
            "delivery": shown_id(account.dialect, event.delivery_id),
            "external_ref": happened.external_ref,
            "event_id": event.id,
            "seq": event.seq,
            "status": event.status,
            "actor": event.actor,
            "note": event.note,
            "announced": event.announced,
            "occurred_at": event.occurred_at,
            "forwarded": answers,
        }
    )
