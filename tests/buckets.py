"""A store that speaks as much S3 as a bucket is used for, over real HTTP."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from aiohttp import web

BUCKET = "parcels"
KEY_ID = "estafette"


@dataclass
class BucketStore:
    """The store: what it keeps, by its path in the bucket, with the media type.

    It opens a file to whoever signs as `KEY_ID`, in the head or in the address, and to nobody else.
    With `is_away` it fails.
    """

    port: int = 0
    kept: dict[str, tuple[bytes, str]] = field(default_factory=dict[str, tuple[bytes, str]])
    is_away: bool = False

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def answer(self, request: web.Request) -> web.Response:
        signed = request.headers.get("Authorization", "") + request.query.get(
            "X-Amz-Credential", ""
        )
        if self.is_away:
            return web.Response(status=503)
        if f"{KEY_ID}/" not in signed:
            return web.Response(status=403)
        bucket, _, path = request.path.lstrip("/").partition("/")
        assert bucket == BUCKET
        if request.method == "PUT":
            self.kept[path] = await request.read(), request.headers.get("Content-Type", "")
            return web.Response(headers={"ETag": '"1"'})
        if request.method == "GET" and request.query.get("list-type"):
            return self._list(request.query["prefix"])
        if path not in self.kept:
            return web.Response(status=204 if request.method == "DELETE" else 404)
        if request.method == "DELETE":
            del self.kept[path]
            return web.Response(status=204)
        body, media_type = self.kept[path]
        headers = {"Last-Modified": f"{datetime.now(UTC):%a, %d %b %Y %H:%M:%S GMT}", "ETag": '"1"'}
        return web.Response(body=body, headers=headers | {"Content-Type": media_type})

    def _list(self, prefix: str) -> web.Response:
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}"
        found = "".join(
            f"<Contents><Key>{escape(path)}</Key><LastModified>{now}</LastModified>"
            f"<ETag>1</ETag><Size>{len(body)}</Size></Contents>"
            for path, (body, _) in sorted(self.kept.items())
            if path.startswith(prefix)
        )
        text = f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>"
        return web.Response(text=text, content_type="application/xml")


@asynccontextmanager
async def bucket_store() -> AsyncGenerator[BucketStore]:
    """A store that serves until the end of the block."""
    store = BucketStore()
    server = web.Server(store.answer)  # pyright: ignore[reportArgumentType] - it wants BaseRequest
    runner = web.ServerRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    store.port = runner.addresses[0][1]
    try:
        yield store
    finally:
        await runner.cleanup()
