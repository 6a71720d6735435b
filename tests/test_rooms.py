"""docs/architecture.md tells of every room of the package, and what it tells is true."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_PACKAGE = _ROOT / "src" / "estafette"
_ENTRY_POINT = "__main__"
_NOTHING_OF_OURS = ("the standard library alone", "nothing of ours")


def _rows(heading: str) -> dict[str, str]:
    """The first and the last cell of each row of the table whose first cell is `heading`."""
    text = (_ROOT / "docs" / "architecture.md").read_text("utf-8")
    _, _, after = text.partition(f"\n| {heading} |")
    table = re.match(r"[^\n]*\n\|[-|]+\n((?:\|[^\n]*\n)+)", after)
    assert table, f"no table of each {heading}"
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in table[1].splitlines()]
    return {row[0].strip("`/"): row[-1] for row in cells}


def _rooms() -> set[str]:
    """The folders and modules at the root of the package."""
    listed = {path.stem for path in _PACKAGE.glob("*.py")} | {
        path.name for path in _PACKAGE.iterdir() if (path / "__init__.py").exists()
    }
    return listed - {"__init__", _ENTRY_POINT}


def _files(room: str) -> list[Path]:
    folder = _PACKAGE / room
    return list(folder.rglob("*.py")) if folder.is_dir() else [_PACKAGE / f"{room}.py"]


def _imported(path: Path) -> Iterator[str]:
    """The rooms from which a file imports."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "estafette":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("estafette."):
            yield (node.module or "").split(".")[1]
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            yield from (name[1] for name in names if name[0] == "estafette" and len(name) > 1)


def _allowed(cell: str) -> set[str]:
    """The rooms that a row allows to be imported."""
    if cell == "all":
        return _rooms()
    rooms = set(re.findall(r"`(\w+)`", cell))
    assert rooms or cell in _NOTHING_OF_OURS, cell
    return rooms


def test_every_room_has_a_row_and_every_row_a_room() -> None:
    assert set(_rows("room")) == _rooms()


@pytest.mark.parametrize("room", sorted(_rooms()))
def test_a_room_imports_what_its_row_says_and_all_of_it(room: str) -> None:
    imported = {name for path in _files(room) for name in _imported(path)} - {room}
    allowed = _allowed(_rows("room")[room])
    assert imported <= allowed
    if room != "app":
        assert allowed <= imported, "the row allows what nobody needs"


def test_the_layers_have_no_folder_but_the_nouns() -> None:
    nouns = set(_rows("noun"))
    for layer in ("core", "usecases", "store"):
        folders = {path.parent.name for path in (_PACKAGE / layer).glob("*/__init__.py")}
        assert folders <= nouns, layer


@pytest.mark.parametrize("layer", ["core", "usecases", "store"])
def test_a_file_does_not_repeat_the_name_of_its_folder(layer: str) -> None:
    named = {path.stem: path.parent.name for path in (_PACKAGE / layer).glob("*/*.py")}
    assert [name for name, noun in named.items() if name == noun] == []
