"""The worker role that hands messages to a mail server (SMTP, RFC 5321), at least once, each under an id that stays.

A server that is down costs nothing but time: requests only write to the outbox, and a message that was taken and not
marked is due again. What the server said neither yes nor no to is unknown, and unknown is not failed.
"""

import asyncio
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import structlog
from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from interfaces.mail.letters import as_mail
from interfaces.postgres.vault_post import Letter, PostgresPost
from interfaces.settings import Settings

log = structlog.get_logger()

LOOK_S = 1.0
LONGEST_PAUSE_S = 60.0
AT_ONCE = 20
_FOR_EVER = 500
_MAILBOX_NAME_NOT_ALLOWED = 553

Tls = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mail is handed in: `starttls` demands it, `tls` speaks nothing else, `none` is for a server on loopback."""

    host: str
    port: int
    tls: Tls
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    exchange_s: float = 45.0
    """The time a message may take: less than that for which it is taken, so that nobody else sends it meanwhile."""


def mail_server(settings: Settings) -> MailServer | None:
    """Return the mail server of an installation, None for one that has none."""
    if settings.smtp_host is None or settings.smtp_from is None:
        return None
    return MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        tls=settings.smtp_tls,
        sender=settings.smtp_from,
        user=settings.smtp_user,
        password=None if settings.smtp_password is None else settings.smtp_password.get_secret_value(),
        ca_file=settings.smtp_ca_file,
        exchange_s=0.75 * settings.smtp_retry_s,
    )


class Postman:
    """Hands in what is due, for ever."""

    def __init__(self, post: PostgresPost, server: MailServer) -> None:
        self._post = post
        self._server = server

    async def run(self) -> None:
        """Send what waits, and wait longer after each time that the server could not be reached."""
        pause = LOOK_S
        while True:
            try:
                sent = await self.round()
            except (SMTPException, OSError) as error:
                # Never its text: it holds addresses, or what was sent to log in.
                log.warning("post.not_handed_in", error=type(error).__name__, code=getattr(error, "code", None))
                pause = min(max(2 * pause, LOOK_S), LONGEST_PAUSE_S)
            else:
                pause = 0 if sent else LOOK_S
            await asyncio.sleep(pause)

    async def round(self) -> int:
        """Hand in what is due; return how many messages were looked at. Raises SMTPException, OSError."""
        due = await self._post.list_due(limit=AT_ONCE)
        if not due:
            return 0
        async with self._connection() as smtp:
            for tenant, id in due:
                letter = await self._post.take(tenant, id)
                if letter is not None:
                    await self._hand_in(smtp, letter)
        return len(due)

    def _connection(self) -> SMTP:
        server = self._server
        context = ssl.create_default_context(cafile=server.ca_file) if server.tls != "none" else None
        return SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.tls == "tls",
            start_tls=server.tls == "starttls",
            tls_context=context,
            timeout=server.exchange_s,
        )

    async def _hand_in(self, smtp: SMTP, letter: Letter) -> None:
        try:
            mail = as_mail(letter, sender=self._server.sender)
            async with asyncio.timeout(self._server.exchange_s):
                await smtp.send_message(mail)
        except (ValueError, SMTPNotSupported):
            await self._refused(letter, _MAILBOX_NAME_NOT_ALLOWED)
        except (SMTPRecipientsRefused, SMTPDataError) as error:
            code = _code_of(error)
            if code >= _FOR_EVER:
                await self._refused(letter, code)
            else:
                log.info("post.put_off", message=letter.id, code=code)
        else:
            await self._post.mark_sent(letter)
            log.info("post.handed_in", message=letter.id, kind=letter.kind)

    async def _refused(self, letter: Letter, code: int) -> None:
        await self._post.mark_refused(letter, code)
        log.warning("post.refused", message=letter.id, kind=letter.kind, code=code)


def _code_of(error: SMTPRecipientsRefused | SMTPResponseException) -> int:
    """Return what the server said of a message with one recipient."""
    return error.recipients[0].code if isinstance(error, SMTPRecipientsRefused) else error.code
