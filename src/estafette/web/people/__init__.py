"""What is the same wherever people belong: they join, sign in, and keep their own things."""

from estafette.web.people.app import ROUTES

__all__ = ["ROUTES"]
