"""Imports all of a generated client, and reads each example as its model and writes it again.

    python examples.py MODULE < EXAMPLES

`EXAMPLES` is a list of `[name of the model, JSON value]`.
"""

import json
import pkgutil
import sys
from datetime import datetime
from enum import Enum
from importlib import import_module
from typing import Any
from uuid import UUID


def plain(value: Any) -> Any:
    """A value without the types that a client gave it, and without what is null.

    Times are compared as times.
    """
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items() if member is not None}
    if isinstance(value, list | tuple):
        return [plain(member) for member in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, str) and value[10:11] == "T":
        return datetime.fromisoformat(value)
    return value


_, name = sys.argv
client = import_module(name)
for module in pkgutil.walk_packages(client.__path__, f"{name}."):
    import_module(module.name)
models = import_module(f"{name}.models")
for model, value in json.load(sys.stdin):
    back = getattr(models, model).from_dict(value).to_dict()
    assert plain(back) == plain(value), (model, value, back)
