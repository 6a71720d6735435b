"""The office: where the operator's people run this Estafette."""

from estafette.web.office.app import AREA, ROUTES

__all__ = ["AREA", "ROUTES"]
