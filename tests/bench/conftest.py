"""What the tests of the bench share with those of the use cases."""

from tests.usecases.conftest import platform, tenant

__all__ = ["platform", "tenant"]
