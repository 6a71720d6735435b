"""The files of pages: which there are, how long they may be kept, how small they are sent."""

import gzip
from pathlib import Path

import pytest
from starlette.types import Scope

from estafette.http.files import Files
from estafette.http.pages import PRODUCT
from estafette.http.refusals import PathUnknown
from estafette.http.reply import HttpReply


def _asked(accepted: str | None = None) -> Scope:
    headers = [] if accepted is None else [(b"accept-encoding", accepted.encode())]
    return {"type": "http", "headers": headers}


def _header(reply: HttpReply, name: bytes) -> bytes | None:
    return dict(reply.headers).get(name)


def test_files_are_those_that_are_there_and_that_a_page_loads(tmp_path: Path) -> None:
    (tmp_path / "page.css").write_text("p {}")
    (tmp_path / "LICENSE.txt").write_text("free")
    (tmp_path / "folder.js").mkdir()
    files = Files([*sorted(tmp_path.iterdir()), tmp_path / "missing.js"])
    assert list(files) == ["page.css"]
    assert files.reply(_asked(), "page.css").body == b"p {}"
    for name in ("LICENSE.txt", "missing.js", "../page.css", "page.css.gz"):
        with pytest.raises(PathUnknown):
            files.reply(_asked(), name)


@pytest.mark.parametrize(
    ("accepted", "sent"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("gzip, deflate, br", b"br"),
        ("br;q=0, gzip", b"gzip"),
        ("GZIP;q=0.5", b"gzip"),
        ("*", b"br"),
        ("*;q=0", None),
        ("gzip;q=0", None),
        ("gzip;q=none", None),
        ("zstd", None),
    ],
)
def test_a_file_is_sent_as_small_as_the_browser_takes_it(
    tmp_path: Path, accepted: str | None, sent: bytes | None
) -> None:
    (tmp_path / "page.js").write_text("go();" * 100)
    (tmp_path / "page.js.br").write_bytes(b"as brotli has it")
    (tmp_path / "page.js.gz").write_bytes(gzip.compress(b"go();" * 100))
    reply = Files(tmp_path.iterdir()).reply(_asked(accepted), "page.js")
    assert _header(reply, b"content-encoding") == sent
    assert _header(reply, b"vary") == b"accept-encoding"
    told = {
        None: b"go();" * 100,
        b"br": b"as brotli has it",
        b"gzip": gzip.compress(b"go();" * 100),
    }
    assert reply.body == told[sent] or gzip.decompress(reply.body) == told[None]


def test_what_the_build_has_not_packed_is_packed_once(tmp_path: Path) -> None:
    (tmp_path / "page.css").write_text("p { color: red }\n" * 50)
    (tmp_path / "letters.woff2").write_bytes(b"already small" * 50)
    files = Files(tmp_path.iterdir())
    reply = files.reply(_asked("gzip, br"), "page.css")
    assert _header(reply, b"content-encoding") == b"gzip"
    assert gzip.decompress(reply.body) == files["page.css"].body
    assert files.reply(_asked("gzip"), "page.css").body is reply.body
    assert _header(files.reply(_asked("gzip"), "letters.woff2"), b"content-encoding") is None


def test_only_the_edition_that_is_served_may_be_kept() -> None:
    now = PRODUCT.reply(_asked(), "product.css", PRODUCT.edition)
    before = PRODUCT.reply(_asked(), "product.css", "0123456789ab")
    assert b"immutable" in (_header(now, b"cache-control") or b"")
    assert _header(before, b"cache-control") == b"no-store"
    assert before.body == now.body
