"""The page at the root: what this installation offers, and where to go."""

from estafette.web.home.app import Guest, Offer, build

__all__ = ["Guest", "Offer", "build"]
