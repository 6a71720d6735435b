"""The page at the root: what runs here, and where to go."""

from estafette.web.home.app import HomeLink, build

__all__ = ["HomeLink", "build"]
