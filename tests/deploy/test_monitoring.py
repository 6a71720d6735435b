"""The dashboard and the alerts ask for what a running server and worker really tell."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import promql_parser as promql
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import Company, Connector
from estafette.core.ids import new_id
from estafette.usecases.couriers.companies import save_company
from estafette.usecases.couriers.links import Link, connect
from estafette.usecases.webhooks.endpoints import set_endpoint
from tests.edges import EDGES, ENTREGA
from tests.processes import Process, ServerProcess, calling, free_port
from tests.receivers import Receiver
from tests.rows import database
from tests.serving import Server, Tenant

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS = DEPLOY / "prometheus/alerts.yml"
DASHBOARD = DEPLOY / "grafana/estafette.json"

OF_PROMETHEUS = {"instance", "job"}
"""Labels that Prometheus adds to all that it scrapes."""

TOLD_IN_WORDS = {"outcome", "reason", "route"}
"""Labels whose values stand in the metric's own description, or in what was told."""


@dataclass
class Told:
    """A metric as it was exposed: its description, its labels and their values."""

    words: str
    labels: dict[str, set[str]] = field(default_factory=dict[str, set[str]])


def _read(texts: Iterable[str]) -> dict[str, Told]:
    found = {"up": Told("", {name: set() for name in OF_PROMETHEUS})}  # Prometheus's own
    for text in texts:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                told = found.setdefault(sample.name, Told(family.documentation))
                for name, value in sample.labels.items():
                    told.labels.setdefault(name, set()).add(value)
    return found


async def _scrape(ports: Iterable[int]) -> dict[str, Told]:
    async with aiohttp.ClientSession() as session:
        texts = list[str]()
        for port in ports:
            with suppress(aiohttp.ClientConnectorError):  # it has not started yet
                texts.append(await _text(session, port))
    return _read(texts)


async def _text(session: aiohttp.ClientSession, port: int) -> str:
    async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
        assert answer.status == 200
        return await answer.text()


async def _order_elsewhere(server: Server) -> None:
    """A delivery that a company carries whose platform is another account of this server."""
    there, here = [await server.tenant(ENTREGA) for _ in range(2)]
    company = Company(
        id=new_id(),
        market="AO",
        account_id=here.account.id,
        name="Far away",
        slug=f"far-{uuid4().hex[:8]}",
        connector=Connector.REMOTE,
        time_zone="Africa/Luanda",
    )
    company = await save_company(server.platform, company)
    keys = {Mode.SANDBOX: there.key}
    await connect(server.platform, company, Link(company.id, server.url, keys, keys))
    server.platform.catalog.forget()
    body = await here.body()
    # the server hears of the company a moment later
    async with asyncio.timeout(60):
        while True:
            quotes = (await here.post("/v1/quotes", body)).told["data"]
            of_it = [each for each in quotes if each["company_id"] == str(company.id)]
            if of_it:
                break
            await asyncio.sleep(0.05)
    created = await here.post(ENTREGA.create_path, body | {"quote_id": of_it[0]["quote_id"]})
    assert created.status == 201, created.body
    unsigned = await server.request("POST", f"/upstream/{company.id}/webhooks", {})
    assert unsigned.status == 401


async def _is_told_of(tenant: Tenant, receiver: Receiver) -> None:
    await set_endpoint(tenant.server.platform, tenant.scope, receiver.url)
    id = await tenant.create()
    streamed = await tenant.server.request("HEAD", f"/track/{id}/events")
    assert streamed.status == 200


async def _lose_the_database(dsn: str, tenant: Tenant) -> None:
    """For as long as it takes a server to notice; its database is the test's own."""
    beside = await asyncpg.connect(dsn, database="postgres")
    try:
        await database.shut(beside, dsn)
        async with asyncio.timeout(60):
            while (await tenant.get("/v1/deliveries")).status != 503:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.05)
    finally:
        await database.open_again(beside, dsn)
        await beside.close()


async def _every_metric(dsn: str, folder: Path) -> dict[str, Told]:
    """What a server and a worker tell when each kind of thing has happened."""
    ports = free_port(), free_port()
    server_process = ServerProcess(
        dsn, folder, metrics_port=str(ports[0]), webhook_allowed_networks="127.0.0.0/8"
    )
    worker = Process(
        "worker",
        dsn,
        folder,
        worker_metrics_port=str(ports[1]),
        webhook_allowed_networks="127.0.0.0/8",
    )
    try:
        await asyncio.to_thread(worker.come_up)
        await asyncio.to_thread(server_process.come_up)
        async with calling(dsn, server_process) as (server,), Receiver() as receiver:
            for edge in EDGES:
                await _is_told_of(await server.tenant(edge), receiver)
            await _order_elsewhere(server)
            await _lose_the_database(dsn, await server.tenant(ENTREGA))
            await server.raw(b"no HTTP\r\n\r\n")
            async with asyncio.timeout(120):  # a busy machine starts a worker slowly
                while True:
                    found = await _scrape(ports)
                    if {
                        "estafette_webhook_attempts_total",
                        "estafette_remote_deliveries_total",
                        "estafette_upkeep_completed_timestamp_seconds",
                        "estafette_connections_refused_total",
                        "estafette_database_failures_total",
                        "estafette_live_deliveries_late",
                        "estafette_outbox_held_messages",
                    } <= found.keys():
                        return found
                    await asyncio.sleep(0.2)  # metrics are computed once a second
    finally:
        worker.stop()
        server_process.stop()


def _rules() -> Iterator[tuple[str, str]]:
    for group in yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


def _panels() -> Iterator[tuple[str, str]]:
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        for target in panel.get("targets", ()):
            shown = target["expr"].replace("$__rate_interval", "5m")
            yield panel["title"], shown.replace("$instance", ".*")


def _wrong(expression: str, told: dict[str, Told]) -> Iterator[str]:
    """What an expression asks for that nobody tells."""
    parsed = promql.parse(expression)
    known = set(OF_PROMETHEUS)
    grouped = set[str]()

    def visit(node: promql.Expr) -> None:
        nonlocal known
        modifier: Any = getattr(node, "modifier", None)
        if isinstance(node, promql.AggregateExpr) and modifier is not None:
            grouped.update(modifier.labels)
        if isinstance(node, promql.MatrixSelector):
            node = node.vector_selector
        if isinstance(node, promql.VectorSelector):
            problems.extend(_unknown(node, told))
            metric = told.get(node.name or "")
            known |= set(metric.labels if metric else ())

    problems: list[str] = []
    promql.walk(parsed, visit)
    yield from problems
    yield from (f"nothing has the label {label}" for label in sorted(grouped - known))


def _unknown(selector: promql.VectorSelector, told: dict[str, Told]) -> Iterator[str]:
    metric = told.get(selector.name or "")
    if metric is None:
        yield f"there is no {selector.name}"
        return
    for matcher in selector.matchers.matchers:
        if matcher.name not in metric.labels.keys() | OF_PROMETHEUS:
            yield f"{selector.name} has no label {matcher.name}"
        elif matcher.name in TOLD_IN_WORDS:
            for value in matcher.value.split("|"):
                if value not in metric.labels[matcher.name] and value not in metric.words:
                    yield f"{selector.name} has no {matcher.name} {value}"


async def test_every_expression_asks_for_metrics_and_labels_that_are_told(
    fresh_database: str, tmp_path: Path
) -> None:
    told = await _every_metric(fresh_database, tmp_path)
    asked = [*_rules(), *_panels()]
    assert len(asked) > 30
    wrong = {name: problems for name, expr in asked if (problems := list(_wrong(expr, told)))}
    assert wrong == {}
    for invented in (
        'estafette_outbox{instance="a"}',
        "sum by (company) (rate(estafette_http_requests_total[5m]))",
        'estafette_webhook_attempts_total{endpoint="a"}',
        'estafette_webhook_attempts_total{outcome="arrived"}',
        'estafette_http_requests_total{route="/track/*"}',
    ):
        assert list(_wrong(invented, told)), invented


def test_each_panel_and_alert_says_what_it_is() -> None:
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    for panel in dashboard["panels"]:
        assert panel["title"]
        assert panel["type"] == "row" or panel["datasource"]["uid"] == "${datasource}"
    for group in yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in {"critical", "warning"}
            assert {"summary", "description"} == rule["annotations"].keys()


@pytest.mark.skipif(shutil.which("promtool") is None, reason="comes with Prometheus")
def test_promtool_finds_each_alert_as_its_cases_say() -> None:
    tested = ["promtool", "test", "rules", "alerts.test.yml"]
    done = subprocess.run(tested, cwd=ALERTS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
