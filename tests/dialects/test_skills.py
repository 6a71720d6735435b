"""A merchant demands skills of the driver in the words of the dialect, and is shown them again."""

from typing import Any

import pytest

from tests.edges import EDGES, ENTREGA, KASPI, Edge
from tests.serving import Answer, Server, Tenant


async def asked(tenant: Tenant, skills: Any) -> Answer:
    body = await tenant.body("order-1")
    body |= {"skills": skills} if tenant.edge is KASPI else {"options": {"skills": skills}}
    return await tenant.post(tenant.edge.create_path, body)


def told_in(answer: Any, edge: Edge) -> dict[str, Any]:
    """Where the skills of the delivery in an answer stand."""
    return answer if edge is KASPI else answer["data"]["options"]


@pytest.mark.parametrize("edge", EDGES, ids=str)
async def test_skills_are_told_as_they_were_written_each_once(server: Server, edge: Edge) -> None:
    tenant = await server.tenant(edge)
    created = await asked(tenant, ["  Cold   box ", "idade 18+", "cold BOX", "Ледяной"])
    assert created.status == edge.created_status, created.body
    told = await tenant.ask(edge.get(edge.id_of(created.told)))
    assert told_in(told, edge)["skills"] == ["Cold box", "idade 18+", "Ледяной"]
    if edge is ENTREGA:
        assert told_in(created.told, edge)["skills"] == ["Cold box", "idade 18+", "Ледяной"]


@pytest.mark.parametrize("edge", EDGES, ids=str)
async def test_whoever_demands_none_is_answered_as_published(server: Server, edge: Edge) -> None:
    demands: list[Any] = [None, []]
    for skills in demands:
        tenant = await server.tenant(edge)
        created = await asked(tenant, skills)
        told = await tenant.ask(edge.get(edge.id_of(created.told)))
        assert b"skills" not in created.body
        assert "skills" not in told_in(told, edge)


@pytest.mark.parametrize("edge", EDGES, ids=str)
@pytest.mark.parametrize(
    "skills",
    [
        "cold",
        {"cold": True},
        [1],
        [None],
        [["cold"]],
        [""],
        [" \t"],
        ["cold\u202ebox"],
        ["cold\u0007"],
        ["x" * 41],
        [f"skill {number}" for number in range(21)],
    ],
    ids=lambda value: repr(value)[:20],
)
async def test_what_is_no_list_of_skills_is_refused_with_its_field_and_stores_nothing(
    server: Server, edge: Edge, skills: Any
) -> None:
    tenant = await server.tenant(edge)
    answer = await asked(tenant, skills)
    assert answer.status in (400, 422)
    assert edge.check_error(answer.status, answer.headers, answer.body)
    field = b"skills" if edge is KASPI else b"options.skills"
    assert field in answer.body
    assert await tenant.count("deliveries") == 0


@pytest.mark.parametrize("edge", EDGES, ids=str)
async def test_a_key_that_comes_again_with_other_skills_is_refused(
    server: Server, edge: Edge
) -> None:
    tenant = await server.tenant(edge)
    body = await tenant.body("order-1")
    options: dict[str, Any] = body if edge is KASPI else body.setdefault("options", {})
    options["skills"] = ["cold"]
    headers = {"Idempotency-Key": "once"}
    created = await tenant.post(edge.create_path, body, headers)
    options["skills"] = ["age check"]
    again = await tenant.post(edge.create_path, body, headers)
    assert created.status == edge.created_status, created.body
    assert again.status in (409, 422)
    assert await tenant.count("deliveries") == 1
