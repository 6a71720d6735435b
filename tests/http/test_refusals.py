"""What is raised can be raised through anything: through a context manager, and an error handler.

Both write the traceback anew, which an exception that is frozen does not let them: it would come
out as another one, and be logged as a crash.
"""

import importlib
import pkgutil
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager

import pytest

import estafette
from estafette.http.refusals import HttpRefusal, RateLimited


@asynccontextmanager
async def something() -> AsyncGenerator[None]:
    yield


async def test_a_refusal_comes_out_of_a_context_manager_as_it_is() -> None:
    with pytest.raises(RateLimited) as caught:
        async with something():
            raise RateLimited(3)
    assert caught.value == RateLimited(3)


def of_ours() -> Iterator[type[BaseException]]:
    """All exceptions of the package, wherever they are."""
    for module in pkgutil.walk_packages(estafette.__path__, "estafette."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    waiting: list[type[BaseException]] = [Exception]
    while waiting:
        for each in waiting.pop().__subclasses__():
            waiting.append(each)
            if each.__module__.startswith("estafette."):
                yield each


def test_no_exception_of_ours_is_frozen() -> None:
    found = set(of_ours())
    assert any(issubclass(each, HttpRefusal) for each in found)
    frozen = [each for each in found if each.__setattr__ is not BaseException.__setattr__]
    assert frozen == []
