"""The page at the root: what this installation offers, and where to go."""

from estafette.web.home.app import Offer, build

__all__ = ["Offer", "build"]
