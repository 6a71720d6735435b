"""A platform over a database of the test's own: a worker takes up whatever it finds there."""

from collections.abc import AsyncIterator

import pytest

from estafette.usecases.platform import Platform
from tests.usecases.stage import platform_over


@pytest.fixture
async def platform(clean_database: str) -> AsyncIterator[Platform]:
    """The running Estafette."""
    async with platform_over(clean_database) as platform:
        yield platform
