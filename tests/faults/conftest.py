"""The same platform and accounts as the worker's own tests."""

from tests.webhooks.conftest import platform, tenant

__all__ = ["platform", "tenant"]
