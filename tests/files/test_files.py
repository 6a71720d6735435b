"""Files are kept in a folder or a bucket, and are there when `put` has returned."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from estafette.files import Bucket, FilesUnavailableError, KeptFiles, read_bucket
from tests.buckets import BUCKET, KEY_ID, BucketStore, bucket_store

PATH = "proofs/2026-11-29/a/b.webp"


@pytest.fixture
async def store() -> AsyncIterator[BucketStore]:
    async with bucket_store() as store:
        yield store


@pytest.fixture(params=["folder", "bucket"])
async def files(request: pytest.FixtureRequest, tmp_path: Path, store: BucketStore) -> KeptFiles:
    if request.param == "folder":
        return KeptFiles(tmp_path / "files")
    return KeptFiles(Bucket(BUCKET, "ours", store.endpoint, None, KEY_ID, "secret"))


async def test_a_file_is_kept_listed_and_removed(files: KeptFiles) -> None:
    await files.put(PATH, b"one", "image/webp")
    await files.put(PATH, b"two", "image/webp")
    assert await files.read(PATH) == b"two"
    listed = [one.path async for page in files.each("proofs/2026-11-29") for one in page]
    assert listed == [PATH]
    assert [page async for page in files.each("proofs/2026-11-30")] in ([], [[]])
    await files.remove([PATH, PATH, "proofs/never"])
    assert await files.read(PATH) is None


async def test_a_folder_is_open_to_nobody_else_and_leads_nowhere(tmp_path: Path) -> None:
    files = KeptFiles(tmp_path / "files")
    await files.put(PATH, b"one", "image/webp")
    assert (tmp_path / "files").stat().st_mode & 0o077 == 0
    assert await files.address(PATH, timedelta(minutes=1)) is None


async def test_a_bucket_gives_an_address_that_anybody_can_fetch_from(store: BucketStore) -> None:
    files = KeptFiles(Bucket(BUCKET, "ours", store.endpoint, None, KEY_ID, "secret"))
    await files.put(PATH, b"one", "image/webp")
    address = await files.address(PATH, timedelta(minutes=1))
    assert address is not None
    assert "X-Amz-Expires=60" in address
    async with aiohttp.ClientSession() as session:
        async with session.get(address) as answer:
            assert (await answer.read(), answer.content_type) == (b"one", "image/webp")
        async with session.get(f"{store.endpoint}/{BUCKET}/ours/{PATH}") as answer:
            assert answer.status == 403


async def test_a_place_that_is_away_is_told_and_not_taken_for_an_empty_one(
    tmp_path: Path, store: BucketStore
) -> None:
    (tmp_path / "files").write_text("no folder")
    store.is_away = True
    for place in (
        tmp_path / "files",
        Bucket(BUCKET, "", store.endpoint, None, KEY_ID, "secret"),
    ):
        files = KeptFiles(place)
        with pytest.raises(FilesUnavailableError):
            await files.put(PATH, b"one", "image/webp")
        with pytest.raises(FilesUnavailableError):
            await files.read(PATH)
        with pytest.raises(FilesUnavailableError):
            await files.remove([PATH])
        with pytest.raises(FilesUnavailableError):
            _ = [page async for page in files.each("proofs")]


@pytest.mark.parametrize(
    "url", ["", "parcels", "https://parcels/x", "s3://", "s3://k:s@parcels", "s3://parcels?x=1"]
)
def test_what_names_no_bucket_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="s3://bucket"):
        read_bucket(url)
    assert read_bucket("s3://parcels/a/b/") == Bucket("parcels", "a/b")
