"""What the tests of the bench share with those of the use cases."""

from tests.usecases.conftest import platform, shop, tenant

__all__ = ["platform", "shop", "tenant"]
