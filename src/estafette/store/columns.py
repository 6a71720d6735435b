"""What a statement is given: records as arrays, a column each, listed once by name.

Of one list come the text of the statement and its parameters, so that neither can have a column
that the other lacks, or has elsewhere.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Generic, Self, TypeVar, cast

Record = TypeVar("Record")
Outer = TypeVar("Outer")

_Value = Callable[[Any], object]


def _itself(record: Any) -> Any:
    return record


class Columns(Generic[Record]):
    """The columns of some records, by their names, in an order that is kept."""

    def __init__(self, given: Mapping[str, tuple[str, Callable[[Record], object]]]) -> None:
        """`given` says of each column its type in PostgreSQL, and which value of a record it is.

        A value of type json or jsonb is a text. Values cannot be arrays.
        """
        self.types = {name: type for name, (type, _) in given.items()}
        values = {name: value for name, (_, value) in given.items()}
        self._groups: list[tuple[_Value, dict[str, _Value]]] = [(_itself, values)]

    def of(self, records: Collection[Record]) -> list[list[object]]:
        """Returns the arrays, in the order of the columns."""
        arrays: list[list[object]] = []
        for part, values in self._groups:
            parts = records if part is _itself else [part(record) for record in records]
            arrays += [[value(one) for one in parts] for value in values.values()]
        return arrays

    def of_one(self, record: Record) -> list[object]:
        """Returns the values of one record, in the order of the columns. They may be arrays."""
        return [value(part(record)) for part, values in self._groups for value in values.values()]

    def only(self, *names: str) -> Self:
        """Returns some of these columns."""
        columns = type(self)({})
        columns.types = {name: self.types[name] for name in names}
        columns._groups = [
            (part, {name: value for name, value in values.items() if name in names})
            for part, values in self._groups
        ]
        return columns

    def within(self, part: Callable[[Outer], Record]) -> "Columns[Outer]":
        """Returns the same columns, of records that have these as a part."""
        columns = cast("Columns[Outer]", Columns[Record]({}))
        columns.types = self.types
        columns._groups = [(part, values) for _, values in self._groups]
        return columns

    def __add__(self, other: Self) -> Self:
        """These columns and then others. Raises ValueError where two have one name."""
        columns = type(self)({})
        columns.types = self.types | other.types
        if len(columns.types) < len(self.types) + len(other.types):
            raise ValueError(sorted(self.types.keys() & other.types.keys()))
        columns._groups = self._groups + other._groups
        return columns


def rows(*given: Columns[Any], name: str = "input", first: int = 1) -> str:
    """Returns the text `unnest(…) as input (…)`: a row for each record, with all these columns.

    `name` is what the rows are called. Their arrays are the parameters from number `first` on.
    """
    types = {column: type for each in given for column, type in each.types.items()}
    arrays = ", ".join(f"${number}::{type}[]" for number, type in enumerate(types.values(), first))
    return f"unnest({arrays}) as {name} ({', '.join(types)})"


def parameters(*given: Columns[Any], first: int = 1) -> str:
    """Returns the text `($1, …)`: one record with all these columns, from parameter `first` on."""
    count = sum(len(each.types) for each in given)
    return f"({', '.join(f'${number}' for number in range(first, first + count))})"


def insertion(table: str, columns: Iterable[str], source: str = "input", **other: str) -> str:
    """The text `insert into …`: `columns` of a table from those of the same name in `source`.

    `other` are columns besides, each by the expression that it is made of.
    """
    columns = list(columns)
    names, values = ", ".join([*columns, *other]), ", ".join([*columns, *other.values()])
    return f"insert into {table} ({names}) select {values} from {source}"  # noqa: S608 - names of ours


def change(
    table: str,
    columns: Iterable[str],
    source: str = "input",
    by: Iterable[str] = ("account_id", "id"),
    **other: str,
) -> str:
    """The text `update …`: `columns` of a table from those of the same name in the rows `input`.

    `source` is where these come from, `by` are the columns by which a row is found. `other` are
    columns besides, each by the expression that it becomes.
    """
    changes = {column: f"input.{column}" for column in columns} | other
    set_to = ", ".join(f"{column} = {value}" for column, value in changes.items())
    found = " and ".join(f"{table}.{column} = input.{column}" for column in by)
    return f"update {table} set {set_to} from {source} where {found}"  # noqa: S608 - names of ours
