"""Proofs: taken once, never lost, demanded before the parcel is handed over, ended in time."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from estafette.core.accounts.account import Mode, Scope
from estafette.core.couriers.company import Capabilities
from estafette.core.deliveries.delivery import Delivery, Status, Stop
from estafette.core.deliveries.event import Actor
from estafette.core.errors import DeliveryNotFound, PinWrong, ProofsMissing, Unavailable
from estafette.core.ids import new_id
from estafette.core.point import Point
from estafette.core.proofs.demand import NOTHING, Demand
from estafette.core.proofs.proof import MOST_PROOFS, Proof, ProofKind, ProofStage
from estafette.core.proofs.refusals import (
    PictureUnfit,
    ProofDiffers,
    ProofRefusal,
    ProofsFull,
    ProofTooLate,
    ProofUnfit,
)
from estafette.files import KeptFiles
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.deliveries.personal_data import erase_what_is_over
from estafette.usecases.deliveries.pins import opened
from estafette.usecases.proofs import sweep
from estafette.usecases.proofs.add import SentProof, add
from estafette.usecases.proofs.links import link_to, open_link
from estafette.usecases.proofs.show import proofs_of
from tests.moving import advance
from tests.patience import until
from tests.rows import tables
from tests.usecases.angola import ENTREGA, VIANA, Shop
from tests.usecases.proofs.pictures import photo

ANYTHING = Capabilities()
DOOR = Point(-8.8259, 13.2343)
TO_THE_DOOR = (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY)


@pytest.fixture
def files(shop: Shop, tmp_path: Path) -> Path:
    shop.change(files=KeptFiles(tmp_path / "files"))
    return tmp_path / "files"


def kept(files: Path) -> list[Path]:
    """The files that are whole: one that is being written has a number behind its name."""
    return [path for path in files.rglob("*") if path.is_file() and "#" not in path.name]


def sent(**changes: Any) -> SentProof:
    fields: dict[str, Any] = {
        "id": new_id(),
        "kind": ProofKind.PHOTO,
        "stage": ProofStage.DROPOFF,
        "taken_at": datetime.now(UTC),
        "picture": photo(),
    }
    return SentProof(**fields | changes)


def told(kind: ProofKind, said: str, **changes: Any) -> SentProof:
    return sent(kind=kind, said=said, picture=None, **changes)


async def ordered(
    shop: Shop, demand: Demand = NOTHING, able: Capabilities = ANYTHING, to: Stop = VIANA
) -> Delivery:
    await shop.company("motos", capabilities=able)
    delivery = await shop.create(proof=demand, dropoff=to)
    return opened(shop.platform.cipher, delivery)


async def by_driver(
    shop: Shop, delivery: Delivery, *to: Status, pin: str | None = None
) -> Delivery:
    moves = [Move(status, Actor.DRIVER, pin=pin) for status in to]
    return await advance(shop.platform, shop.scope, ENTREGA, delivery.id, moves)


async def at_the_door(shop: Shop, **given: Any) -> Delivery:
    delivery = await ordered(shop, **given)
    await by_driver(shop, delivery, *TO_THE_DOOR)
    return delivery


async def keep(shop: Shop, delivery: Delivery, proof: SentProof) -> Proof:
    return await add(shop.platform, shop.scope, delivery.id, proof)


async def test_a_photo_is_kept_with_its_time_place_and_distance(shop: Shop, files: Path) -> None:
    delivery = await at_the_door(shop, to=replace(VIANA, latitude=-8.8259, longitude=13.2352))
    driver = new_id()
    proof = await keep(shop, delivery, sent(at=DOOR, driver_id=driver))
    assert proof.picture is not None
    assert (proof.driver_id, proof.at) == (driver, DOOR)
    assert proof.metres == pytest.approx(99, abs=2)
    (file,) = kept(files)
    assert Image.open(BytesIO(file.read_bytes())).format == "WEBP"
    assert await proofs_of(shop.platform, shop.scope, delivery.id) == [proof]


async def test_a_proof_that_is_sent_again_is_the_same_and_another_under_its_id_is_refused(
    shop: Shop, files: Path
) -> None:
    delivery = await at_the_door(shop)
    first = sent()
    answers = await asyncio.gather(*(keep(shop, delivery, first) for _ in range(3)))
    assert answers[1:] == answers[:-1]
    with pytest.raises(ProofDiffers):
        await keep(shop, delivery, replace(first, picture=photo("#ffffff")))
    assert await proofs_of(shop.platform, shop.scope, delivery.id) == [answers[0]]
    (file,) = kept(files)
    assert Image.open(BytesIO(file.read_bytes())).convert("RGB").getpixel((5, 5)) != (255, 255, 255)


async def test_whoever_dies_between_the_file_and_the_row_leaves_nothing_for_good(
    shop: Shop, files: Path
) -> None:
    delivery = await at_the_door(shop)
    proof = sent()
    pool = shop.platform.pool
    async with pool.acquire() as other, other.transaction():
        await tables.lock(other, "deliveries", {"id": delivery.id})
        dying = asyncio.create_task(keep(shop, delivery, proof))
        await until(lambda: bool(kept(files)))  # and the row waits for the delivery's
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
    (orphan,) = kept(files)
    assert not await proofs_of(shop.platform, shop.scope, delivery.id)
    again = await keep(shop, delivery, proof)  # the phone sends it once more
    assert again.picture is not None
    assert kept(files) == [orphan]

    later = datetime.now(UTC) + timedelta(hours=2)
    stray = orphan.with_name(f"{new_id().hex}-{'0' * 16}.webp")
    stray.write_bytes(b"of another who died")
    await sweep.find_orphans(shop.platform, clock=lambda: later)
    await sweep.remove_files(shop.platform)
    assert kept(files) == [orphan], "what has a row stays, what has none goes"


async def test_a_young_file_without_a_row_is_left_to_whoever_writes_it(
    shop: Shop, files: Path
) -> None:
    delivery = await at_the_door(shop)
    await keep(shop, delivery, sent())
    (file,) = kept(files)
    stray = file.with_name(f"{new_id().hex}-{'0' * 16}.webp")
    stray.write_bytes(b"its row follows")
    await sweep.find_orphans(shop.platform)
    await sweep.remove_files(shop.platform)
    assert stray.exists()


async def test_while_the_place_of_the_files_is_away_nothing_is_acknowledged(
    shop: Shop, tmp_path: Path
) -> None:
    (tmp_path / "away").write_text("no folder")
    shop.change(files=KeptFiles(tmp_path / "away"))
    delivery = await at_the_door(shop)
    with pytest.raises(Unavailable):
        await keep(shop, delivery, sent())
    assert not await proofs_of(shop.platform, shop.scope, delivery.id)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": ProofKind.PIN, "picture": None},
        {"picture": None},
        {"said": "a text"},
        {"kind": ProofKind.NAME, "said": "Ana"},
        {"kind": ProofKind.NAME, "said": " ", "picture": None},
        {"kind": ProofKind.NAME, "said": "x" * 101, "picture": None},
        {"kind": ProofKind.NAME, "said": "Ana\u202e", "picture": None},
        {"kind": ProofKind.AGE, "said": "adult", "picture": None},
        {"kind": ProofKind.AGE, "said": "١٨", "picture": None},
        {"kind": ProofKind.DOCUMENT, "said": "BI", "picture": None, "stage": ProofStage.PICKUP},
        {"picture": b"<script>alert(1)</script>"},
        {"picture": b"\0\0\0\x18ftypheic" + bytes(100)},
        {"picture": bytes(50 * 1024 * 1024)},
    ],
)
async def test_what_is_no_proof_is_refused_and_leaves_nothing(
    shop: Shop, files: Path, wrong: dict[str, Any]
) -> None:
    delivery = await at_the_door(shop)
    with pytest.raises((ProofUnfit, PictureUnfit)):
        await keep(shop, delivery, sent(**wrong))
    assert not kept(files)
    assert not await proofs_of(shop.platform, shop.scope, delivery.id)


async def test_proofs_have_a_number_a_beginning_and_an_end(shop: Shop, files: Path) -> None:
    delivery = await ordered(shop)
    with pytest.raises(ProofTooLate):  # nobody carries it yet
        await keep(shop, delivery, told(ProofKind.NAME, "Ana"))
    with pytest.raises(DeliveryNotFound):
        await add(
            shop.platform,
            Scope(shop.account.id, Mode.SANDBOX),
            delivery.id,
            told(ProofKind.NAME, "Ana"),
        )
    await by_driver(shop, delivery, *TO_THE_DOOR, Status.DELIVERED)
    for _ in range(MOST_PROOFS):  # the phone was offline: they come after the end
        await keep(shop, delivery, told(ProofKind.NAME, "Ana"))
    with pytest.raises(ProofsFull):
        await keep(shop, delivery, told(ProofKind.NAME, "Ana"))
    of_it = {"id": delivery.id}
    await tables.change(shop.platform.pool, "deliveries", of_it, updated_at=timedelta(days=-3))
    with pytest.raises(ProofTooLate):
        await keep(shop, delivery, told(ProofKind.NAME, "Ana"))


async def test_a_time_from_the_future_is_now_and_one_from_before_is_the_beginning(
    shop: Shop, files: Path
) -> None:
    delivery = await at_the_door(shop)
    for hours in (2, -2):
        taken = datetime.now(UTC) + timedelta(hours=hours)
        proof = await keep(shop, delivery, told(ProofKind.NAME, "Ana", taken_at=taken))
        assert delivery.created_at <= proof.taken_at <= proof.received_at


async def test_a_driver_goes_on_only_with_the_proofs_of_merchant_and_company(
    shop: Shop, files: Path
) -> None:
    kinds = frozenset
    delivery = await ordered(
        shop,
        Demand(dropoff=kinds({ProofKind.PHOTO, ProofKind.AGE})),
        Capabilities(
            proof=Demand(kinds({ProofKind.NAME}), kinds({ProofKind.SIGNATURE})),
            require_delivery_pin=True,
        ),
    )
    assert delivery.pin is not None
    with pytest.raises(ProofsMissing) as refused:
        await by_driver(shop, delivery, *TO_THE_DOOR)
    assert (refused.value.stage, refused.value.kinds) == (ProofStage.PICKUP, (ProofKind.NAME,))
    await by_driver(shop, delivery, Status.ASSIGNED)
    await keep(shop, delivery, told(ProofKind.NAME, "Loja", stage=ProofStage.PICKUP))
    await by_driver(shop, delivery, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY)

    await keep(shop, delivery, sent())
    await keep(shop, delivery, told(ProofKind.NAME, "Ana"))
    with pytest.raises(ProofsMissing) as refused:
        await by_driver(shop, delivery, Status.DELIVERED, pin=delivery.pin)
    assert refused.value.kinds == (ProofKind.SIGNATURE, ProofKind.AGE)
    await keep(shop, delivery, sent(kind=ProofKind.SIGNATURE))
    await keep(shop, delivery, told(ProofKind.AGE, "18"))
    with pytest.raises(PinWrong):
        await by_driver(shop, delivery, Status.DELIVERED, pin="not it")
    done = await by_driver(shop, delivery, Status.DELIVERED, pin=delivery.pin)
    assert done.status is Status.DELIVERED
    shown = await proofs_of(shop.platform, shop.scope, delivery.id)
    assert [proof.kind for proof in shown if proof.kind is ProofKind.PIN] == [ProofKind.PIN]
    assert re.search(rf"\b{delivery.pin}\b", repr(shown)) is None  # within an id it is chance


async def test_what_was_shown_at_pickup_is_asked_for_at_the_door_too(
    shop: Shop, files: Path
) -> None:
    photos = frozenset({ProofKind.PHOTO})
    delivery = await ordered(shop, Demand(pickup=photos, dropoff=photos))
    await by_driver(shop, delivery, Status.ASSIGNED)
    await keep(shop, delivery, sent(stage=ProofStage.PICKUP))
    await by_driver(shop, delivery, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY)
    with pytest.raises(ProofsMissing):
        await by_driver(shop, delivery, Status.DELIVERED)
    await keep(shop, delivery, sent())
    assert (await by_driver(shop, delivery, Status.DELIVERED)).status is Status.DELIVERED


async def test_a_link_opens_the_picture_for_a_time_and_nothing_else(
    shop: Shop, files: Path
) -> None:
    delivery = await at_the_door(shop)
    proof = await keep(shop, delivery, sent())
    url = link_to(shop.platform, shop.account.id, proof)
    assert url is not None
    token = url.rpartition("/")[2]
    found = await open_link(shop.platform, token, None)
    assert found is not None
    (file,) = kept(files)
    assert found.body == file.read_bytes()
    forged = [
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token[1:],
        "",
        "é" * 112,
        token + "=",
    ]
    forged += [("B" if token[0] == "A" else "A") + token[1:], "A" * 112]
    for wrong in forged:
        assert await open_link(shop.platform, wrong, None) is None
    await sweep.end_what_is_over(shop.platform, timedelta(0))
    assert await open_link(shop.platform, token, None) is None


async def test_proofs_and_their_files_end_with_their_time(shop: Shop, files: Path) -> None:
    delivery = await at_the_door(shop)
    old = await keep(shop, delivery, sent(picture=photo("#111111")))
    young = await keep(shop, delivery, sent(picture=photo("#222222")))
    await tables.change(
        shop.platform.pool, "proofs", {"id": old.id}, received_at=timedelta(days=-91)
    )
    await sweep.loop(shop.platform, timedelta(days=90)).once()
    assert young.picture is not None
    assert await proofs_of(shop.platform, shop.scope, delivery.id) == [young]
    assert [path.relative_to(files).as_posix() for path in kept(files)] == [young.picture.path]


async def test_erased_personal_data_takes_its_proofs_with_it(shop: Shop, files: Path) -> None:
    delivery = await at_the_door(shop)
    await keep(shop, delivery, sent())
    await keep(shop, delivery, told(ProofKind.NAME, "Ana"))
    await by_driver(shop, delivery, Status.DELIVERED)
    long_ago = {"updated_at": timedelta(days=-200)}
    await tables.change(shop.platform.pool, "deliveries", {"id": delivery.id}, **long_ago)
    await tables.add(
        shop.platform.pool,
        "erasures_due",
        account_id=shop.account.id,
        delivery_id=delivery.id,
        wanted_at=datetime.now(UTC),
    )
    await erase_what_is_over(shop.platform, timedelta(days=30))
    await sweep.remove_files(shop.platform)
    assert not await proofs_of(shop.platform, shop.scope, delivery.id)
    assert not kept(files)
    with pytest.raises(ProofRefusal):
        await keep(shop, delivery, told(ProofKind.NAME, "Ana"))
