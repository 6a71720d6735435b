"""The board: where a courier company's people see and steer what it carries."""

from estafette.web.board.app import AREA, ROUTES

__all__ = ["AREA", "ROUTES"]
