"""The widget: one script with which a shop's page sells deliveries through Entrega.

It speaks the widget API of the Entrega dialect, in its words and in kwanza, with a publishable key.
"""

from estafette.web.widget.app import SCRIPT, build

__all__ = ["SCRIPT", "build"]
