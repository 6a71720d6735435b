"""The merchant's console: what an account's people see of it and do for it."""

from estafette.web.console.app import AREA, ROUTES

__all__ = ["AREA", "ROUTES"]
