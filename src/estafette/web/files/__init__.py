"""Files that signed links open, without signing in."""

from estafette.web.files.app import PREFIX, build

__all__ = ["PREFIX", "build"]
