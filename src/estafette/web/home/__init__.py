"""The page at the root: what runs here, and where to go."""

from estafette.web.home.app import Place, build

__all__ = ["Place", "build"]
