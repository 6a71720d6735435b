"""SQL of tests stands in `tests/store`, which tries statements, and in `tests/rows` alone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

_TESTS = Path(__file__).parent
_ROOMS = ("store", "rows")
_METHODS = {"copy_records_to_table", "execute", "executemany", "fetchrow", "fetchval"}
_STATEMENT = re.compile(
    r"\s*(select\s+\S|insert\s+into\s|update\s+(only\s+)?\S+\s+set\s|delete\s+from\s|truncate\s"
    r"|with\s+(recursive\s+)?\w+\s*(\([^)]*\)\s*)?as\s|lock\s+table\s|vacuum\b|notify\s|copy\s+\w+\s+(from|to)\s"
    r"|(alter|create|drop)\s+(or\s+replace\s+|unique\s+|unlogged\s+|constraint\s+)*"
    r"(database|extension|function|index|policy|role|schema|sequence|table|trigger|view)\b)",
    re.IGNORECASE,
)
# It tries the database's server itself, by statements that touch no table of ours.
_OF_THE_SERVER = {"up/test_postgres.py"}


def _docstrings(tree: ast.Module) -> set[int]:
    """The identities of the constants that are docstrings."""
    found = set[int]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.add(id(node.value))
    return found


def _text(node: ast.AST) -> str | None:
    """How a string begins; None for what is no string."""
    if isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else "x" for part in node.values)
        return "".join(map(str, parts))
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None


def _statements(source: str) -> Iterator[int]:
    """The lines of a file on which SQL stands, or on which a statement is executed."""
    tree = ast.parse(source)
    docstrings = _docstrings(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.expr):
            continue
        text = _text(node)
        if text is not None and id(node) not in docstrings and _STATEMENT.match(text):
            yield node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            is_fetch = node.func.attr == "fetch" and bool(node.args)
            if is_fetch or node.func.attr in _METHODS:
                yield node.lineno


def _files_with_sql() -> dict[str, list[int]]:
    found = dict[str, list[int]]()
    for path in sorted(_TESTS.rglob("*.py")):
        name = path.relative_to(_TESTS)
        lines = sorted(set(_statements(path.read_text("utf-8"))))
        if lines and name.parts[0] not in _ROOMS and path != Path(__file__):
            found[name.as_posix()] = lines
    return found


def test_sql_of_tests_has_its_rooms() -> None:
    found = _files_with_sql()
    assert {name: lines for name, lines in found.items() if name not in _OF_THE_SERVER} == {}
    assert set(found) >= _OF_THE_SERVER, "a file that has no SQL is named"


@pytest.mark.parametrize(
    "source",
    [
        'await pool.fetchval("select 1")',
        "await pool.fetchval(query)",
        'query = "update deliveries set fee = 1"',
        'query = f"select count(*) from {table}"',
        'query = f"update {table} set fee = 1"',
        'await connection.fetch("select" " 1")',
        'await shop.sql("drop function if exists refuse cascade")',
        'QUERY = """\\nwith old as (select 1) select 1\\n"""',
    ],
)
def test_sql_is_found_however_it_is_written(source: str) -> None:
    tree = f"async def some() -> None:\n    {source}"
    assert list(_statements(tree))


@pytest.mark.parametrize(
    "source",
    [
        '"""Drop a database, whoever is in it."""',
        'run("set-rate", "update")',
        "await route.fetch()",
        'text = "with a word of SQL"',
    ],
)
def test_what_is_no_sql_is_none(source: str) -> None:
    assert not list(_statements(f"async def some() -> None:\n    {source}"))
