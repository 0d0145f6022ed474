"""An outbox with two people of two tenants in it, the post that empties it, and a clock that is set by hand."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from application.ports import Message
from domain.ids import SubjectId
from interfaces.mail.postman import MailServer as At
from interfaces.mail.postman import Postman, Tls
from interfaces.postgres.configuration import Urls
from interfaces.postgres.connections import pool
from interfaces.postgres.vault import open_vault
from interfaces.postgres.vault_crypto import VaultKeys
from interfaces.postgres.vault_people import PostgresOutbox
from interfaces.postgres.vault_post import PostgresPost
from tests.interfaces.mail.mail_server import HOST, PASSWORD, USER, MailServer

ANA, BOB = SubjectId("a" * 32), SubjectId("b" * 32)
SENDER = "Lastro <post@lastro.example>"
MINUTE = timedelta(minutes=1)


class SetClock:
    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


class Desk:
    """An outbox with two people in it, and the post that empties it."""

    def __init__(self, urls: Urls) -> None:
        self.clock, self.keys = SetClock(), VaultKeys.derive(bytes(32))
        self.source = pool(urls.app, name="test", size=2)
        self.outbox = PostgresOutbox(self.source, self.keys, self.clock)
        self.post = PostgresPost(self.source, self.keys, self.clock, retry=MINUTE, patience=timedelta(days=3))

    async def open(self) -> None:
        await self.source.open()
        vault = await open_vault(self.source, self.keys, self.clock)
        for tenant, subject in (("acme", ANA), ("other", BOB)):
            fields = {"email": f"{subject[0]}@example.org"}
            await vault.create_subject(tenant, subject, stream=f"{tenant}:user-{subject}", fields=fields)

    async def say(self, kind: str = "verify_email", tenant: str = "acme", subject: SubjectId = ANA) -> None:
        await self.outbox.notify(tenant, subject, Message(kind=kind, token="planted-token"))

    def postman(
        self, server: MailServer, *, password: str = PASSWORD, ca: Path | None = None, tls: Tls = "none"
    ) -> Postman:
        user = None if tls == "none" else USER
        at = At(host=HOST, port=server.port, tls=tls, sender=SENDER, user=user, password=user and password, ca_file=ca)
        return Postman(self.post, at)
