"""Several applications in one, told apart by the first segment of the path."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send


class ByPrefix:
    """Gives each application all that lies under its prefix, the bare prefix included.

    Starlette's `Mount` passes over the bare prefix, and over paths with a line feed in them; those
    would then be refused in nobody's shape.
    """

    def __init__(self, applications: Mapping[str, ASGIApp], otherwise: ASGIApp) -> None:
        """`applications` by prefix (`/delivery`), one segment each; `otherwise` gets the rest."""
        self._applications = dict(applications)
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, its `root_path` lengthened by the prefix."""
        if scope["type"] != "http":
            await self._otherwise(scope, receive, send)
            return
        root: str = scope.get("root_path", "")
        path: str = scope["path"].removeprefix(root)
        prefix = "/" + path[1:].partition("/")[0]
        application = self._applications.get(prefix)
        if application is None:
            await self._otherwise(scope, receive, send)
            return
        scope["app_root_path"] = scope.get("app_root_path", root)
        scope["root_path"] = root + prefix
        await application(scope, receive, send)
