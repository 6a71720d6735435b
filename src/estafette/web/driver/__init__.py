"""The driver's page: today's stops on a cheap phone, with or without a connection."""

from estafette.web.driver.app import PREFIX, ROUTES, DriverPages

__all__ = ["PREFIX", "ROUTES", "DriverPages"]
