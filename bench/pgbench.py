"""pgbench doing what one request writes: the same rows into the same tables, a transaction each.

The script is made from a request that was just done over HTTP: whatever its transaction wrote, in
whatever tables, is what pgbench inserts. So it cannot fall behind the schema or the statements.
Every value is a parameter, as it is for the application; what must differ from row to row does.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from bench.process import BenchError, output_of, plain_environment
from estafette.up.postgres import bin_dir

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
class Besides:
    """What a create does besides inserting rows.

    `first` are the statements that come before the inserts; `instead` are those for the rows that
    it changes, by table (None: it is among the first). `written` are values that these statements
    make, as they are written.
    """

    first: Sequence[str] = ()
    instead: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    written: Mapping[Any, str] = field(default_factory=dict[Any, str])


@dataclass(frozen=True)
class _Sample:
    """What is known of the request that the script repeats."""

    created_at: datetime
    known: frozenset[UUID]
    new_id: str
    written: Mapping[Any, str] = field(default_factory=dict[Any, str])
    ref: str | None = None
    now: str = "now()"


_BEGIN = (
    r"\set counter :counter + 1",
    r"\set unique (:run * 100 + :client_id) * 1000000000 + :counter",
)


_CLOCK = r"select date_trunc('milliseconds', clock_timestamp()) as given_at \gset"


async def script_like(
    connection: "asyncpg.Connection[asyncpg.Record]",
    delivery_id: UUID,
    ref: str,
    besides: Besides | None = None,
) -> Script:
    """The script for what the transaction wrote that created this delivery.

    `ref` is a text that each create has its own of.
    """
    besides = besides or Besides()
    found = await connection.fetchrow(
        "select xmin::text as transaction, created_at from deliveries where id = $1", delivery_id
    )
    if found is None:
        raise BenchError("the delivery to be repeated is not there")
    written = {delivery_id: ":delivery", **besides.written}
    sample = await _sample(connection, found["created_at"], written, ref)
    script = Script([*_BEGIN, "begin;", *besides.first])
    for table in await connection.fetch(_TABLES):
        texts = ", ".join(f"{column}::text" for column in table["columns"])
        where = f"from {table['name']} where xmin::text = $1"
        rows = await connection.fetch(f"select * {where}", found["transaction"])
        shown = await connection.fetch(f"select {texts} {where}", found["transaction"])
        if table["name"] in besides.instead and rows:
            script.lines += filter(None, [besides.instead[table["name"]]])
            script.tables.append(table["name"])
            continue
        for values, each in zip(rows, shown, strict=True):
            row = _row(script, sample, list(values), list(each))
            end = ";"
            if not script.tables:  # deliveries come first, and make the id
                row[table["columns"].index("id")] = sample.new_id
                end = r" returning id as delivery \gset"
            names = ", ".join(table["columns"])
            values = ", ".join(row)
            script.lines.append(f"insert into {table['name']} ({names}) values ({values}){end}")
            script.tables.append(table["name"])
    script.lines.append("commit;")
    return script


async def script_of_quotes(
    connection: "asyncpg.Connection[asyncpg.Record]", ids: Sequence[UUID]
) -> Script:
    """The script for the two statements of a request for quotes.

    It reads the database's clock, and writes quotes like these as given at that time.
    """
    found = await connection.fetch("select * from quotes where id = any($1::uuid[])", ids)
    if len(found) != len(ids):
        raise BenchError("the quotes to be repeated are not there")
    columns = list(found[0].keys())
    texts = ", ".join(f"{column}::text" for column in columns)
    shown = await connection.fetch(f"select {texts} from quotes where id = any($1::uuid[])", ids)
    sample = replace(
        await _sample(connection, found[0]["created_at"], {}), now=":given_at::timestamptz"
    )
    script = Script([*_BEGIN, _CLOCK], tables=["quotes"] * len(ids))
    rows = [
        f"({', '.join(_row(script, sample, list(values), list(each)))})"
        for values, each in zip(found, shown, strict=True)
    ]
    script.lines.append(f"insert into quotes ({', '.join(columns)}) values {', '.join(rows)};")
    return script


async def _sample(
    connection: "asyncpg.Connection[asyncpg.Record]",
    created_at: datetime,
    written: Mapping[Any, str],
    ref: str | None = None,
) -> _Sample:
    known = await connection.fetch(
        "select id from accounts union all select id from endpoints"
        " union all select id from companies"
    )
    # in order of time, as the application's own; only PostgreSQL 18 and newer make them
    new_id = "uuidv7()" if connection.get_server_version().major >= 18 else "gen_random_uuid()"
    return _Sample(created_at, frozenset(row["id"] for row in known), new_id, written, ref)


def _row(
    script: Script,
    sample: _Sample,
    values: Sequence[Any],
    texts: Sequence[str | None],
) -> list[str]:
    """The expressions that make a row like this one, a variable of the script for each constant."""
    expressions: list[str] = []
    for value, text in zip(values, texts, strict=True):
        expression = _expression(sample, value, text)
        if expression is None:
            name = f"v{len(script.variables)}"
            script.variables[name] = text or ""
            expression = f":{name}"
        expressions.append(expression)
    return expressions


def _expression(sample: _Sample, value: Any, text: str | None) -> str | None:
    """What is written in place of a value; None: the value itself."""
    if value is None or text is None:
        return "null"
    if isinstance(value, str | UUID) and value in sample.written:
        return sample.written[value]
    if isinstance(value, UUID):
        return None if value in sample.known else sample.new_id
    if isinstance(value, datetime):
        later = round((value - sample.created_at).total_seconds())
        return f"{sample.now} + interval '{later} seconds'" if later else sample.now
    if sample.ref is not None and value == sample.ref:
        return f"lpad(:unique, {len(sample.ref)}, '0')"
    if sample.ref is not None and isinstance(value, str) and sample.ref in value:
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
