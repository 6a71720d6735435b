"""Letters to people who sign in, through a mail server that is really there."""

from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import orjson
import pytest

from estafette.core.notifications.letter import LANGUAGES, Letter, LetterKind
from estafette.core.notifications.mail_server import MailServer as Address
from estafette.core.retention import Retention
from estafette.notifications import file, texts
from estafette.notifications.file import FileSender
from estafette.notifications.sending import NotSentError, Outgoing
from estafette.notifications.smtp import SmtpSender
from estafette.usecases.accounts.secret_key import rotate
from estafette.usecases.accounts.secrets import Cipher, new_cipher_key
from estafette.usecases.ends import remove_what_is_over
from estafette.usecases.notifications import tell
from estafette.usecases.platform import Platform
from tests.notifications.stage import MailServer, Recorded, mail_server, make_due, worker_with
from tests.rows import tables
from tests.secret_key import CIPHER_KEY
from tests.usecases.stage import platform_over

LINK = "https://d.example/invitation/s3cret?a=1&b=2"
TO = "dana@example.com"
HOSTILE = "<b>Altyn</b>\r\nBcc: x@example.com\u202e"


def invitation(language: str = "en", organisation: str = "Altyn", to: str = TO) -> Letter:
    facts = {"organisation": organisation, "inviter": "Aru", "link": LINK, "hours": "72"}
    return Letter(LetterKind.INVITATION, to, language, facts)


async def write(platform: Platform, letter: Letter) -> None:
    async with platform.pool.acquire() as connection, platform.transaction(connection) as work:
        await tell.write(work, platform, letter)


def smtp(server: MailServer) -> SmtpSender:
    return SmtpSender(Address("smtp+plain", "127.0.0.1", server.port, None, None), "a@d.example")


async def letters(platform: Platform) -> list[tuple[str, int, bytes | None]]:
    found = await tables.read(platform.pool, "letters", order="created_at")
    return [(row["state"], row["attempt"], row["content"]) for row in found]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_letter_arrives_in_the_readers_language(platform: Platform, language: str) -> None:
    await write(platform, invitation(language))
    async with mail_server() as server:
        await worker_with(platform, smtp(server)).loop.once()
        [letter] = server.letters
    words = texts.LETTERS[LetterKind.INVITATION]
    said = texts.say(words.subject, language, inviter="Aru", organisation="Altyn")
    assert letter["Subject"] == said
    assert (said == "Aru invites you to Altyn") is (language == "en")
    assert (letter["To"], letter["From"]) == (TO, "a@d.example")
    plain, rich = letter.get_body(("plain",)), letter.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert f"\n{LINK}\n" in plain.get_content().replace("\r\n", "\n")
    assert _links(rich.get_content()) == [LINK]
    assert await letters(platform) == [("sent", 1, None)]


def _links(page: str) -> list[str | None]:
    found: list[str | None] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag in ("a", "b", "script"):
                found.append(dict(attrs).get("href"))

    Reader().feed(page)
    return found


async def test_what_others_wrote_can_do_nothing_in_a_letter(platform: Platform) -> None:
    await write(platform, invitation(organisation=HOSTILE))
    async with mail_server() as server:
        await worker_with(platform, smtp(server)).loop.once()
        [letter] = server.letters
    assert letter["Subject"] == "Aru invites you to <b>Altyn</b>  Bcc: x@example.com"
    assert letter["Bcc"] is None
    rich = letter.get_body(("html",))
    assert rich is not None
    assert _links(rich.get_content()) == [LINK]


async def test_nothing_of_a_letter_is_stored_in_clear_text(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    await write(platform, invitation())
    row = str(dict((await tables.read(platform.pool, "letters"))[0]))
    assert "dana" not in row
    assert "s3cret" not in row
    async with mail_server(answer="451 later, dana@example.com") as server:
        await worker_with(platform, smtp(server)).loop.once()
    row = dict((await tables.read(platform.pool, "letters"))[0])
    assert (row["state"], row["last_error"]) == (
        "waiting",
        "the mail server refused the address (451)",
    )
    ours = [one.getMessage() for one in caplog.records if one.name != "mail.log"]  # the receiver's
    assert TO not in " ".join(ours)


async def test_an_address_that_is_refused_for_good_is_not_tried_again(platform: Platform) -> None:
    await write(platform, invitation())
    async with mail_server(answer="550 nobody") as server:
        await worker_with(platform, smtp(server)).loop.once()
    assert await letters(platform) == [("dead", 1, None)]


async def test_a_mail_server_that_is_away_loses_nothing(platform: Platform) -> None:
    await write(platform, invitation())
    away = SmtpSender(Address("smtp+plain", "127.0.0.1", 9, None, None), "a@d.example")
    await worker_with(platform, away).loop.once()
    [(state, attempts, content)] = await letters(platform)
    assert (state, attempts, content is None) == ("waiting", 1, False)
    await make_due(platform, "letters")
    async with mail_server() as server:
        await worker_with(platform, smtp(server)).loop.once()
        assert len(server.letters) == 1


async def test_a_server_that_offers_no_encryption_is_given_no_letter(platform: Platform) -> None:
    await write(platform, invitation())
    async with mail_server() as server:
        bare = SmtpSender(Address("smtp", "127.0.0.1", server.port, None, None), "a@d.example")
        await worker_with(platform, bare).loop.once()
        assert server.letters == []
    assert (await letters(platform))[0][:2] == ("waiting", 1)


async def test_a_letter_that_is_too_late_is_given_up_with_its_content(platform: Platform) -> None:
    await write(platform, invitation())
    await tables.shift(platform.pool, "letters", worth_until=timedelta(hours=-25))
    sender = Recorded()
    await worker_with(platform, sender).loop.once()
    assert sender.texts == []
    assert await letters(platform) == [("dead", 1, None)]


async def test_letters_can_be_read_after_the_secret_key_was_changed(
    platform: Platform, clean_database: str
) -> None:
    await write(platform, invitation())
    new = new_cipher_key()
    both = Cipher(new, CIPHER_KEY)
    async with platform_over(clean_database, key=new) as later:
        assert (await rotate(replace(later, cipher=both))).letters == 1
        sender = Recorded()
        await worker_with(later, sender).loop.once()
        assert len(sender.texts) == 1


async def test_a_letter_that_nobody_can_read_is_given_up(
    platform: Platform, clean_database: str
) -> None:
    await write(platform, invitation())
    async with platform_over(clean_database, key=new_cipher_key()) as other:
        await worker_with(other, Recorded()).loop.once()
    assert await letters(platform) == [("dead", 1, None)]


async def test_settled_letters_end_after_a_month(platform: Platform) -> None:
    for _ in range(2):
        await write(platform, invitation())
    await tables.shift(platform.pool, "letters", created_at=timedelta(days=-31))
    await worker_with(platform, Recorded()).loop.once()
    await write(platform, invitation())
    await remove_what_is_over(platform, Retention())
    assert [state for state, _, _ in await letters(platform)] == ["waiting"]


async def test_without_a_mail_server_letters_are_in_a_file_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "data" / "notifications.log"
    await FileSender(path).send(Outgoing("1", TO, "Hello\u202e", "Subject"))
    assert path.stat().st_mode & 0o777 == 0o600
    line = orjson.loads(path.read_text())
    assert (line["to"], line["subject"], line["text"]) == (TO, "Subject", "Hello\u202e")
    assert "\u202e" not in path.read_text()


async def test_the_file_has_an_end(tmp_path: Path) -> None:
    path = tmp_path / "notifications.log"
    sender = FileSender(path)
    for _ in range(5):
        await sender.send(Outgoing("1", TO, "x" * (file.MOST_BYTES // 2)))
    assert {each.name for each in tmp_path.iterdir()} == {path.name, path.name + ".1"}
    assert sum(each.stat().st_size for each in tmp_path.iterdir()) < 4 * file.MOST_BYTES


async def test_a_file_that_cannot_be_written_is_a_failed_attempt(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(NotSentError, match="cannot be written"):
        await FileSender(tmp_path / "data" / "x.log").send(Outgoing("1", TO, "x"))
