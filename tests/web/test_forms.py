"""What people send with a form, as a browser encodes it and as nobody should."""

from collections.abc import Sequence

import pytest
from starlette.types import Message, Scope

from estafette.http.refusals import BadBody, BodyTooLarge
from estafette.web.forms import FIELD_LIMIT, MOST_FIELDS, Form, read_form

NAMELESS = b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--"
URLENCODED = "application/x-www-form-urlencoded"


async def sent(body: bytes, media_type: str, limit: int = 200_000) -> Form:
    """Reads a body as a form."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    scope: Scope = {"type": "http", "headers": [(b"content-type", media_type.encode())]}
    return await read_form(scope, receive, limit)


def multipart(*parts: tuple[str, str | bytes, str | None]) -> tuple[bytes, str]:
    """A multipart body of these fields and files: name, content, name of the file."""
    lines: list[bytes] = []
    for name, content, file_name in parts:
        file = "" if file_name is None else f'; filename="{file_name}"'
        body = content.encode() if isinstance(content, str) else content
        head = f'--edge\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        lines += [head.encode(), body, b"\r\n"]
    return b"".join(lines) + b"--edge--\r\n", "multipart/form-data; boundary=edge"


async def test_both_encodings_say_the_same() -> None:
    body, media_type = multipart(("name", "Дана", None), ("box", "a", None), ("box", "b", None))
    written = await sent(b"name=%D0%94%D0%B0%D0%BD%D0%B0&box=a&box=b", URLENCODED)
    parted = await sent(body, media_type)
    for form in (written, parted):
        assert form.value("name") == "Дана"
        assert form.values("box") == ("a", "b")
        assert form.is_sent
    assert written.digest == parted.digest


async def test_a_file_comes_with_its_bytes_and_an_unchosen_one_not_at_all() -> None:
    content = b"\x89PNG\r\n" + bytes(300)
    body, media_type = multipart(("logo", content, "logo.png"), ("other", b"", ""))
    form = await sent(body, media_type)
    logo = form.file("logo")
    assert logo is not None
    assert (logo.name, logo.body) == ("logo.png", content)
    assert form.file("other") is None


@pytest.mark.parametrize("charset", ["punycode", "undefined", "utf-7", "UTF-8"])
async def test_a_form_in_parts_that_names_a_character_set_is_not_read(charset: str) -> None:
    body, media_type = multipart(("name", "a-a", None))
    with pytest.raises(BadBody):
        await sent(body, f"{media_type}; Charset={charset}")


async def test_a_password_keeps_its_spaces_and_a_name_does_not() -> None:
    form = await sent(b"name=+Dana+&password=+a+b+", URLENCODED)
    assert form.value("name") == "Dana"
    assert form.secret("password") == " a b "


async def test_texts_can_be_stored_whatever_was_sent() -> None:
    form = await sent(b"a=1%00%0D%0A2&b=%FF%ED%A0%80", URLENCODED)
    assert form.value("a") == "1�\n2"
    form.value("b").encode()


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"a=1&" * (MOST_FIELDS + 1), URLENCODED),
        (b"a" * 101 + b"=1", URLENCODED),
        (b"a=" + b"x" * (FIELD_LIMIT + 1), URLENCODED),
        (b"a=\xd0\x94", URLENCODED),
        (b"{}", "application/json"),
        (b"--x\r\n", "multipart/form-data"),
        (NAMELESS, "multipart/form-data; boundary=x"),
    ],
    ids=["fields", "name", "value", "raw", "json", "no boundary", "no name"],
)  # fmt: skip
async def test_what_is_no_form_of_ours_is_refused(body: bytes, media_type: str) -> None:
    with pytest.raises(BadBody):
        await sent(body, media_type)


async def test_too_many_parts_and_too_long_ones_are_refused() -> None:
    many: Sequence[tuple[str, str, None]] = [(f"a{i}", "1", None) for i in range(MOST_FIELDS + 1)]
    for parts in (many, [("a", "x" * (FIELD_LIMIT + 1), None)]):
        with pytest.raises(BadBody):
            await sent(*multipart(*parts))
    with pytest.raises(BodyTooLarge):
        await sent(b"a=" + b"x" * 100, URLENCODED, limit=100)
