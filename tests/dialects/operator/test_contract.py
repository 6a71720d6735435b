"""The contract, the code and the table of acts say the same; whoever may not is refused."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, cast
from uuid import UUID

import pytest

from estafette.core.errors import Refusal
from estafette.core.people.permission import PersonAct
from estafette.core.people.program import EVERY, PRESETS
from estafette.core.people.refusals import PeopleRefusal
from estafette.dialects.operator.app import CONTRACT, OPERATIONS
from estafette.dialects.operator.errors import ERRORS, understood
from estafette.dialects.operator.operations import Operation
from estafette.http.refusals import HttpRefusal
from tests.dialects.operator.calls import NO_ID, Operator, new_operator
from tests.documents import document_in
from tests.serving import Server

DOCUMENT = document_in(CONTRACT)
ALL = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")


def path_of(operation: Operation) -> str:
    path = operation.path
    others = {"{organisation}": "platform", "{market}": "KZ", "{trouble}": "stalled"}
    for part in operation.path.split("/"):
        if part.startswith("{"):
            path = path.replace(part, others.get(part, NO_ID))
    return path


def test_the_contract_names_every_operation_with_its_act() -> None:
    documented = {
        (method.upper(), path): described["x-act"]
        for path, item in DOCUMENT["paths"].items()
        for method, described in item.items()
        if "x-act" in described
    }
    assert documented == {(one.method, one.path): one.act.value for one in OPERATIONS}
    assert {one.act for one in OPERATIONS} <= EVERY


def test_whoever_may_only_look_changes_nothing() -> None:
    assert all(one.method == "GET" for one in OPERATIONS if one.act in PRESETS["read-only"])


@ALL
async def test_no_key_and_no_other_scope_opens_an_operation(
    server: Server, operation: Operation
) -> None:
    without = await new_operator(server, EVERY - {operation.act})
    nobody = Operator(server, "op_" + "a" * 40)
    path = path_of(operation)
    assert (await nobody.call(operation.method, path)).status == 401
    refused = await without.call(operation.method, path, None, Idempotency_Key="a")
    assert refused.status == 403
    assert operation.act in refused.told["message"]
    with_it = await new_operator(server, frozenset({operation.act}))
    assert (await with_it.call(operation.method, path)).status not in (401, 403, 405, 500)


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer ", "Basic b3A6", "bearer x", "Bearer é"])
async def test_what_is_no_key_opens_nothing(server: Server, shown: str) -> None:
    headers = [("Authorization", shown)] if shown else []
    answer = await server.request("GET", "/operator/v1/accounts", None, headers)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_merchants_key_opens_nothing_here_and_an_operators_key_nothing_there(
    server: Server,
) -> None:
    from tests.edges import ENTREGA

    tenant, operator = await server.tenant(ENTREGA), await new_operator(server)
    assert (await Operator(server, tenant.key).call("GET", "/v1/accounts")).status == 401
    headers = {"authorization": f"Bearer {operator.key}"}
    assert (await server.request("GET", "/v1/deliveries", None, headers)).status == 401


def _tree(root: type[Exception]) -> Iterator[type[Exception]]:
    for kind in root.__subclasses__():
        if kind.__module__.startswith(("estafette.core.", "estafette.http.")):
            yield kind
            yield from _tree(kind)


@pytest.mark.parametrize("kind", [*_tree(Refusal), *_tree(HttpRefusal)], ids=lambda k: k.__name__)
def test_every_refusal_is_answered_in_the_shape_of_the_api(kind: Any) -> None:
    from tests.dialects.test_refusals import SAMPLES

    reply = ERRORS.reply(kind(**{each.name: SAMPLES[each.type] for each in fields(kind)}))
    assert 400 <= reply.status < 600
    assert b'"code"' in reply.body


@pytest.mark.parametrize("kind", [*_tree(PeopleRefusal)], ids=lambda kind: kind.__name__)
def test_every_refusal_about_people_is_understood(kind: Any) -> None:
    from estafette.core.people.organisation import OrganisationKind
    from estafette.core.people.permission import Role

    samples: dict[Any, Any] = {
        UUID: UUID(NO_ID),
        UUID | str: NO_ID,
        str: "text",
        int: 7,
        Role: Role.OWNER,
        OrganisationKind: OrganisationKind.ACCOUNT,
    }
    facts = {each.name: samples[cast("Any", each.type)] for each in fields(kind)}
    refusal = understood(kind(**facts))
    assert refusal is not None
    assert "estafette" not in ERRORS.reply(refusal).body.decode()


def test_the_presets_are_acts_of_the_operator() -> None:
    assert all(acts <= EVERY for acts in PRESETS.values())
    assert PersonAct.PROFILE_MANAGE not in EVERY
