"""Letters to a mail server by SMTP."""

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime
from typing import Final

import aiosmtplib

from estafette.core.notifications.mail_server import MailServer
from estafette.notifications.sending import SECONDS, NotSentError, Outgoing

_REFUSED_FOR_GOOD: Final = range(550, 560)


class SmtpSender:
    """Gives each letter to a mail server. Each has its own connection, since letters are few."""

    def __init__(self, server: MailServer, sender: str) -> None:
        """Takes `sender`, the address from which letters come."""
        self._server = server
        self._from = sender

    async def send(self, outgoing: Outgoing) -> None:
        """Gives a letter to the server. Raises NotSentError."""
        server = self._server
        try:
            await aiosmtplib.send(
                self._message(outgoing),
                hostname=server.host,
                port=server.port,
                username=server.user,
                password=server.password,
                use_tls=server.scheme == "smtps",
                start_tls=server.scheme == "smtp",
                timeout=SECONDS,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            code = error.recipients[0].code if error.recipients else 0
            why = f"the mail server refused the address ({code})"
            raise NotSentError(why, for_good=code in _REFUSED_FOR_GOOD) from None
        except aiosmtplib.SMTPResponseException as error:
            raise NotSentError(f"the mail server answered {error.code}") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise NotSentError(f"no mail server ({type(error).__name__})") from None

    def _message(self, outgoing: Outgoing) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        message["From"] = self._from
        message["To"] = outgoing.to
        message["Subject"] = outgoing.subject or ""
        message["Date"] = format_datetime(localtime())
        message["Message-ID"] = f"<{outgoing.id}@{self._from.rpartition('@')[2].rstrip('>')}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(outgoing.text)
        if outgoing.html is not None:
            message.add_alternative(outgoing.html, subtype="html")
        return message
