"""The lists of faults fit the tree: each can be put, and its tests are there."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "put_faults.py"


def put_faults() -> ModuleType:
    """The script that puts them, which is no module of a package."""
    spec = importlib.util.spec_from_file_location("put_faults", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_every_fault_is_of_a_text_that_is_there_once_and_has_its_tests() -> None:
    script = put_faults()
    faults = [fault for path in script.LISTS.glob("*.toml") for fault in script.read(path)]
    assert [problem for fault in faults for problem in script.misfits(fault)] == []
    names = [fault.name for fault in faults]
    assert len(set(names)) == len(names) > 80
