"""The console's pages for a merchant's developers: keys, webhooks, requests, how to begin."""

from estafette.web.developers.app import SECTION, pages
from estafette.web.developers.spoken import Spoken

__all__ = ["SECTION", "Spoken", "pages"]
