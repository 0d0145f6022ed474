"""A worker is killed while the mail server has the letter and has not said so: the letter comes again, unchanged."""

from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from interfaces.postgres.configuration import Urls
from tests.interfaces.api.installation import until
from tests.interfaces.api.processes import running
from tests.interfaces.mail.desk import SENDER, Desk
from tests.interfaces.mail.mail_server import HOST, MailServer, serving

pytestmark = [pytest.mark.anyio, pytest.mark.crash]

_UNSENT = "SELECT count(*) FROM vault.outbox WHERE sent_at IS NULL"


def unsent(urls: Urls) -> int:
    with psycopg.connect(urls.owner) as connection:
        row = connection.execute(_UNSENT).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_letter_of_a_killed_worker_comes_again_under_its_id(database: Urls, desk: Desk, tmp_path: Path) -> None:
    key, log = tmp_path / "master.key", tmp_path / "worker.log"
    key.write_bytes(b64encode(bytes(32)))
    with serving(MailServer(fault="stuck")) as server:
        settings = {
            "LASTRO_DATABASE_URL": database.app,
            "LASTRO_OWNER_URL": database.owner,
            "LASTRO_PROJECTOR_URL": database.projector,
            "LASTRO_MASTER_KEY_FILE": str(key),
            "LASTRO_EVIDENCE_KEY_FILE": str(key),
            "LASTRO_SMTP_HOST": HOST,
            "LASTRO_SMTP_PORT": str(server.port),
            "LASTRO_SMTP_TLS": "none",
            "LASTRO_SMTP_FROM": SENDER,
            "LASTRO_SMTP_RETRY_S": "30",
        }
        desk.clock.moment = datetime.now(UTC)
        await desk.say()
        with running("worker", settings, log=log) as worker:
            until(lambda: server.letters, said=log)
            worker.kill()
            worker.wait()
        assert unsent(database) == 1
        server.fault = "none"
        with psycopg.connect(database.owner, autocommit=True) as connection:
            connection.execute("UPDATE vault.outbox SET due_at = created_at")  # the half minute is over
        with running("worker", settings, log=log):
            until(lambda: unsent(database) == 0, said=log)
        first, second = server.letters
        assert first.as_bytes() == second.as_bytes()
