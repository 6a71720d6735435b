"""pgbench doing what one create writes: the same rows into the same tables, a transaction each.

The script is made from a create that was just done over HTTP: whatever its transaction wrote, in
whatever tables, is what pgbench inserts. So it cannot fall behind the schema or the statements.
Every value is a parameter, as it is for the application; what must differ from row to row does.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from bench.process import BenchError, output_of, plain_environment
from estafette.postgres import bin_dir

CLIENTS: Final = 64
_THREADS: Final = 2

_TABLES = """
select pg_class.relname as name, array_agg(quote_ident(attname) order by attnum) as columns
from pg_class join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
where relkind in ('r', 'p') and not relispartition and relnamespace = 'public'::regnamespace
group by pg_class.oid, pg_class.relname
order by pg_class.relname <> 'deliveries', pg_class.relname
"""


@dataclass
class Script:
    """A pgbench script and its variables. `tables` are those it inserts into, a row each."""

    lines: list[str] = field(default_factory=list[str])
    variables: dict[str, str] = field(default_factory=dict[str, str])
    tables: list[str] = field(default_factory=list[str])


@dataclass(frozen=True)
class _Sample:
    """What is known of the create that the script repeats."""

    delivery_id: UUID
    ref: str
    created_at: datetime
    known: frozenset[UUID]
    new_id: str


async def script_like(
    connection: "asyncpg.Connection[asyncpg.Record]", delivery_id: UUID
) -> Script:
    """The script for what the transaction wrote that created this delivery."""
    found = await connection.fetchrow(
        "select xmin::text as transaction, external_ref, created_at from deliveries where id = $1",
        delivery_id,
    )
    if found is None or found["external_ref"] is None:
        raise BenchError("the delivery to be repeated is not there")
    known = await connection.fetch("select id from accounts union all select id from endpoints")
    sample = _Sample(
        delivery_id,
        found["external_ref"],
        found["created_at"],
        frozenset(row["id"] for row in known),
        # in order of time, as the application's own; only PostgreSQL 18 and newer make them
        "uuidv7()" if connection.get_server_version().major >= 18 else "gen_random_uuid()",
    )
    script = Script()
    script.lines += [
        r"\set counter :counter + 1",
        r"\set unique (:run * 100 + :client_id) * 1000000000 + :counter",
        "begin;",
    ]
    for table in await connection.fetch(_TABLES):
        texts = ", ".join(f"{column}::text" for column in table["columns"])
        where = f"from {table['name']} where xmin::text = $1"
        rows = await connection.fetch(f"select * {where}", found["transaction"])
        shown = await connection.fetch(f"select {texts} {where}", found["transaction"])
        for values, written in zip(rows, shown, strict=True):
            _insert(script, sample, table["name"], table["columns"], list(values), list(written))
    script.lines.append("commit;")
    return script


def _insert(
    script: Script,
    sample: _Sample,
    table: str,
    columns: Sequence[str],
    values: Sequence[Any],
    texts: Sequence[str | None],
) -> None:
    """Adds the statement that inserts a row like this one."""
    expressions: list[str] = []
    for column, value, text in zip(columns, values, texts, strict=True):
        is_new_id = not script.tables and column == "id"  # deliveries come first, and make it
        expression = sample.new_id if is_new_id else _expression(sample, value, text)
        if expression is None:
            name = f"v{len(script.variables)}"
            script.variables[name] = text or ""
            expression = f":{name}"
        expressions.append(expression)
    end = ";" if script.tables else r" returning id as delivery \gset"
    names = ", ".join(columns)
    script.lines.append(f"insert into {table} ({names}) values ({', '.join(expressions)}){end}")
    script.tables.append(table)


def _expression(sample: _Sample, value: Any, text: str | None) -> str | None:
    """What is written in place of a value; None: the value itself."""
    if value is None or text is None:
        return "null"
    if value == sample.delivery_id:
        return ":delivery"
    if isinstance(value, UUID):
        return None if value in sample.known else sample.new_id
    if isinstance(value, datetime):
        later = round((value - sample.created_at).total_seconds())
        return f"now() + interval '{later} seconds'" if later else "now()"
    if value == sample.ref:
        return f"lpad(:unique, {len(sample.ref)}, '0')"
    if isinstance(value, str) and sample.ref in value:
        raise BenchError(f"the reference is within another text, which must be varied: {value}")
    return None


async def run(
    script: Script,
    dsn: str,
    folder: Path,
    *,
    number: int,
    seconds: float | None = None,
    transactions: int | None = None,
) -> float:
    """Runs the script for some seconds, or for some transactions of each client.

    `number` is one that no run had before. Returns the transactions a second.
    """
    file = folder / "create.sql"
    file.write_text("\n".join(script.lines) + "\n")
    duration = f"-T{seconds:.0f}" if seconds is not None else f"-t{transactions}"
    variables = {**script.variables, "counter": "0", "run": str(number)}
    command = [
        str(bin_dir() / "pgbench"),
        *("-n", "-M", "prepared", f"-c{CLIENTS}", f"-j{_THREADS}", duration, "-f", str(file)),
        *(word for name, value in variables.items() for word in ("-D", f"{name}={value}")),
        dsn,
    ]
    # What the application sets for its own connections (store/pool.py).
    environment = plain_environment() | {"PGOPTIONS": "-c jit=off -c timezone=UTC"}
    printed = await output_of(command, environment, folder, (seconds or 60) + 60)
    rate = re.search(r"^tps = ([0-9.]+)", printed, re.MULTILINE)
    failed = re.search(r"number of failed transactions: (\d+)", printed)
    if rate is None or failed is None or failed[1] != "0":
        raise BenchError(f"pgbench did not do what it was to do:\n{printed}")
    return float(rate[1])
