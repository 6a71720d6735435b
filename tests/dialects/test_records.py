"""The record that each dialect's folder gives out, and a third dialect that needs nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from uuid import UUID

import pytest
from starlette.types import ASGIApp, Receive, Scope

from estafette import dialects
from estafette.app import APIS, RECORDS
from estafette.core.accounts.acts import Operation
from estafette.core.ids import new_id
from estafette.dialects import ApiRecord, DialectRecord, Ids, Introduction, entrega, kaspi
from estafette.dialects.kaspi.mapping import KaspiDialect
from estafette.http.authenticate import Authenticator
from estafette.http.errors import Errors
from estafette.http.limiter import RateLimiter
from estafette.http.mounts import Mount
from estafette.http.operations import json
from estafette.http.refusals import HttpRefusal, PathUnknown, RateLimited
from estafette.http.reply import HttpReply
from estafette.http.request import header_values
from estafette.http.resource import Handler, resources
from estafette.usecases.deliveries.create import Creator
from estafette.usecases.platform import Platform
from tests.documents import document_of
from tests.edges import ENTREGA, KASPI
from tests.serving import running
from tests.webhooks.stage import PlainRenderer

_FOLDER = Path(str(files(dialects)))
_FILES = {
    *("README.md", "__init__.py", "app.py", "auth.py", "dialect.toml", "errors.py", "listing.py"),
    *("mapping.py", "openapi.yaml", "ordering.py", "schemas.py", "webhooks.py", "words.py"),
}


def test_every_folder_is_spoken() -> None:
    folders = {path.parent.name for path in _FOLDER.glob("*/__init__.py")}
    assert {record.name for record in (*RECORDS, *APIS)} == folders


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_a_reader_who_knows_one_folder_knows_all(record: DialectRecord) -> None:
    found = {path.name for path in (_FOLDER / record.name).iterdir()}
    assert found >= _FILES


@pytest.mark.parametrize("record", [*RECORDS, *APIS], ids=lambda record: record.name)
def test_the_contract_is_served_where_the_record_says(record: DialectRecord | ApiRecord) -> None:
    contract = document_of(record.name)
    assert contract["servers"][0]["url"] == (record.introduction.mount.prefix or "/")
    assert contract["info"]["title"].startswith(record.introduction.title)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_an_id_is_read_as_it_was_written_and_by_no_other_dialect_otherwise(
    record: DialectRecord,
) -> None:
    id = new_id()
    shown = record.ids.delivery(id)
    assert {other.ids.parse(shown) for other in RECORDS} <= {id, None}
    assert record.ids.parse(shown) == id
    assert record.ids.parse(f"{shown}x") is None


@dataclass(frozen=True)
class _Unauthorized(HttpRefusal):
    pass


def _refusal(status: int) -> HttpReply:
    return json(status, {"porto": status})


_ERRORS = Errors(
    {
        PathUnknown: lambda _: _refusal(404),
        RateLimited: lambda _: _refusal(429),
        _Unauthorized: lambda _: _refusal(401),
    },
    {500: _refusal(500)},
)


def _build(platform: Platform, _creator: Creator, limiter: RateLimiter) -> ASGIApp:
    keys = Authenticator(platform, limiter, "porto")

    async def deliveries(scope: Scope, _: Receive) -> HttpReply:
        credential = None
        for key in header_values(scope, b"x-api-key")[:1]:
            credential = await keys.recognise(scope, key)
        if credential is None:
            raise _Unauthorized
        keys.permit(scope, credential, Operation.LIST)
        return json(200, [])

    async def docs(_scope: Scope, _receive: Receive) -> HttpReply:
        return HttpReply(200, b"the page of porto")

    paths: dict[str, Mapping[str, Handler]] = {
        "/v1/deliveries": {"GET": deliveries},
        "/docs": {"GET": docs},
    }
    return resources(paths, _ERRORS.reply)


class _Porto(KaspiDialect):
    name = "porto"


def _parse(text: str) -> UUID | None:
    return UUID(int=int(text[2:])) if text.startswith("P-") and text[2:].isdecimal() else None


_PORTO = DialectRecord(
    dialect=_Porto(),
    introduction=Introduction("Porto", Mount(host="porto"), "/docs", ""),
    build=_build,
    errors=lambda _: _ERRORS,
    renderer=PlainRenderer(),
    ids=Ids(lambda id: f"P-{id.int}", _parse, kaspi.RECORD.ids.event),
)


async def test_a_third_dialect_has_the_paths_of_another_under_a_host_name(
    postgres_dsn: str,
) -> None:
    async with running(postgres_dsn, dialects=(*RECORDS, _PORTO)) as server:
        merchant = await server.tenant(ENTREGA)
        key = ENTREGA.authorize(merchant.key) | {"x-api-key": merchant.key}
        elsewhere = {**key, "Host": "porto.delivery.example"}
        theirs = await server.request("GET", "/v1/deliveries", headers=key)
        ours = await server.request("GET", "/v1/deliveries", headers=elsewhere)
        assert (theirs.status, theirs.told["data"]) == (200, [])
        assert (ours.status, ours.told) == (401, {"porto": 401})  # a key is of one dialect
        unknown = await server.request("GET", "/track/x", headers=elsewhere)
        assert (unknown.status, unknown.told) == (404, {"porto": 404})
        page = await server.request("GET", "/docs", headers=elsewhere)
        assert page.body == b"the page of porto"
        home = await server.request("GET", "/")
        assert b'href="http://porto.delivery.example/docs"' in home.body


async def test_its_ids_are_read_by_the_pages_and_the_sandbox(postgres_dsn: str) -> None:
    async with running(postgres_dsn, dialects=(*RECORDS, _PORTO)) as server:
        merchant = await server.tenant(KASPI)
        id = kaspi.RECORD.ids.parse(await merchant.create())
        assert id is not None
        moved = await merchant.advance(f"P-{id.int}", {"status": "assigned"})
        assert (moved.status, moved.told["status"]) == (200, "assigned")
        page = await server.request("GET", f"/track/P-{id.int}")
        assert page.status == 200


async def test_two_dialects_do_not_share_a_place(postgres_dsn: str) -> None:
    again = replace(_PORTO, introduction=entrega.RECORD.introduction)
    with pytest.raises(ValueError, match="mounted at /v1"):
        async with running(postgres_dsn, dialects=(*RECORDS, again)):
            pass
