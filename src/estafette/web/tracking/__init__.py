"""The recipient's page: where the parcel is, in the recipient's language, live."""

from estafette.web.tracking.app import TrackingPages, build

__all__ = ["TrackingPages", "build"]
