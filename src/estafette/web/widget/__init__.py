"""The widget: one script with which a shop's page sells deliveries."""

from estafette.web.widget.app import SCRIPT, build

__all__ = ["SCRIPT", "build"]
