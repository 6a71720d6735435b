"""Links to pictures of proofs over HTTP: they open for a time, safely, wherever the files are."""

import re
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from PIL import Image

from estafette.core.deliveries.delivery import Status
from estafette.core.ids import new_id
from estafette.core.people.permission import Role
from estafette.core.proofs.proof import ProofKind, ProofStage
from estafette.files import Bucket, KeptFiles
from estafette.usecases.proofs.add import SentProof, add
from estafette.usecases.proofs.links import link_to
from tests.buckets import BUCKET, KEY_ID, bucket_store
from tests.edges import KASPI
from tests.serving import Server, delivery_id, running
from tests.usecases.proofs.pictures import photo
from tests.web.people import sign_in


async def linked(server: Server) -> str:
    """The path of a link to the photo of a delivery."""
    tenant = await server.tenant(KASPI)
    shown = await tenant.create()
    await tenant.move(shown, Status.ASSIGNED, Status.IN_TRANSIT)
    now, id = datetime.now(UTC), delivery_id(shown)
    sent = SentProof(new_id(), ProofKind.PHOTO, ProofStage.DROPOFF, now, picture=photo())
    proof = await add(server.platform, tenant.scope, id, sent)
    url = link_to(server.platform, tenant.account.id, proof)
    assert url is not None
    return url.removeprefix(server.platform.public_url)


async def test_a_link_shows_the_picture_as_nothing_but_a_picture(
    postgres_dsn: str, tmp_path: Path
) -> None:
    async with running(postgres_dsn, files=KeptFiles(tmp_path / "files")) as server:
        path = await linked(server)
        answer = await server.request("GET", path)
        assert answer.status == 200
        assert Image.open(BytesIO(answer.body)).format == "WEBP"
        assert answer.headers["Content-Type"] == "image/webp"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert answer.headers["Content-Disposition"].startswith('inline; filename="dropoff-photo-')
        swapped = path[:-2] + ("AA" if path[-2:] != "AA" else "BB")
        wrong = [await server.request("GET", each) for each in (swapped, "/files/x", path + "x")]
        assert {(each.status, each.body) for each in wrong} == {(404, wrong[0].body)}
        assert (await server.request("POST", path, {})).status == 405


async def test_to_a_bucket_a_link_leads_on_for_a_minute(postgres_dsn: str) -> None:
    async with bucket_store() as store:
        files = KeptFiles(Bucket(BUCKET, "", store.endpoint, None, KEY_ID, "secret"))
        async with running(postgres_dsn, files=files) as server:
            path = await linked(server)
            async with server.session.get(server.url + path, allow_redirects=False) as answer:
                assert answer.status == 302
                assert "X-Amz-Expires=60" in answer.headers["Location"]
                assert answer.headers["Cache-Control"] == "no-store"
            async with server.session.get(server.url + path) as answer:
                assert Image.open(BytesIO(await answer.read())).format == "WEBP"


async def test_the_page_of_a_delivery_shows_its_proofs_with_links_that_open(
    postgres_dsn: str, tmp_path: Path
) -> None:
    async with running(postgres_dsn, files=KeptFiles(tmp_path / "files")) as server:
        tenant = await server.tenant(KASPI)
        shown = await tenant.create()
        await tenant.move(shown, Status.ASSIGNED, Status.IN_TRANSIT)
        now, id = datetime.now(UTC), delivery_id(shown)
        at_door = (ProofStage.DROPOFF, now)
        photographed = SentProof(new_id(), ProofKind.PHOTO, *at_door, picture=photo())
        named = SentProof(new_id(), ProofKind.NAME, *at_door, said="<b>Dana</b>")
        for sent in (photographed, named):
            await add(server.platform, tenant.scope, id, sent)
        viewer = await sign_in(server, tenant.account, Role.VIEWER)
        page = await viewer.get(f"/console/{tenant.account.id.hex}/sandbox/deliveries/{id.hex}")
        html = page.body.decode()
        assert "&lt;b&gt;Dana&lt;/b&gt;" in html
        found = re.search(rf'href="{server.platform.public_url}(/files/[\w-]+)"', html)
        assert found is not None
        assert (await server.request("GET", found[1])).headers["Content-Type"] == "image/webp"
