"""The core stands on the standard library alone."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import estafette.core


def _imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not used here"
            yield node.module or ""


def test_core_imports_the_standard_library_and_itself_alone() -> None:
    folder = Path(str(estafette.core.__file__)).parent
    foreign = {
        f"{path.name}: {name}"
        for path in folder.rglob("*.py")
        for name in _imported(path.read_text(encoding="utf-8"))
        if name.partition(".")[0] not in sys.stdlib_module_names
        and not f"{name}.".startswith("estafette.core.")
    }
    assert foreign == set()
