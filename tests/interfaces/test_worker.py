"""What a worker says of itself while a policy cannot learn an outcome: it runs, it waits, and why."""

import asyncio
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from aiohttp import web

from application.inbox import receive_provider_event
from application.ports import ProviderEvent
from domain.payments import ObjectKind
from interfaces.payments.stripe import NAME
from interfaces.postgres.configuration import Urls
from tests.application.world import committing, envelope, until
from tests.interfaces.api.installation import free_port
from tests.interfaces.api.processes import running
from tests.interfaces.payments.stripe_server import API_KEY, SECRET, StripeServer

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

KEY = b64encode(bytes(range(32)))


def settings_of(database: Urls, folder: Path, stripe: str) -> dict[str, str]:
    for name in ("master.key", "evidence.key"):
        (folder / name).write_bytes(KEY)
    return {
        "LASTRO_DATABASE_URL": database.app,
        "LASTRO_OWNER_URL": database.owner,
        "LASTRO_PROJECTOR_URL": database.projector,
        "LASTRO_MASTER_KEY_FILE": str(folder / "master.key"),
        "LASTRO_EVIDENCE_KEY_FILE": str(folder / "evidence.key"),
        "LASTRO_STRIPE_API_KEY": API_KEY,
        "LASTRO_STRIPE_WEBHOOK_SECRET": SECRET,
        "LASTRO_STRIPE_API_BASE": stripe,
    }


def report_of(connection: psycopg.Connection, policy: str) -> tuple[str, str | None, int]:
    """Return a policy's state, what it says of it, and how far it is."""
    row = connection.execute(
        "SELECT state, error, log_position FROM worker.reports WHERE kind = 'policy' AND name = %s", [policy]
    ).fetchone()
    return ("", None, 0) if row is None else (row[0], row[1], row[2])


async def test_an_unknown_outcome_shows_in_the_report_until_it_is_known(database: Urls, tmp_path: Path) -> None:
    port = free_port()
    event = ProviderEvent(provider=NAME, id="evt_1", kind=ObjectKind.PAYMENT, object="pi_of_nobody")
    async with committing(database) as committer:
        done = await committer.submit(receive_provider_event(envelope("evt_1", tenant="system"), event))
    at = done.receipt.last_log_position or 0
    settings = settings_of(database, tmp_path, f"http://127.0.0.1:{port}")
    with (
        running("worker", settings, log=tmp_path / "worker.log"),
        psycopg.connect(database.owner, autocommit=True) as reports,
    ):

        async def reported(said: Callable[[tuple[str, str | None, int]], bool]) -> bool:
            await asyncio.sleep(0.05)
            return said(report_of(reports, "payments"))

        await until(lambda: reported(lambda said: said[1] is not None), within_s=120)
        state, error, log_position = report_of(reports, "payments")
        assert (state, log_position) == ("running", at - 1)
        assert (error or "").startswith(f"log position {at}: ProviderSilent")
        assert report_of(reports, "timers")[:2] == ("running", None), "the others go on"
        server = web.AppRunner(StripeServer().application())
        await server.setup()
        await web.TCPSite(server, "127.0.0.1", port).start()
        await until(lambda: reported(lambda said: said[1] is None and said[2] >= at), within_s=120)
        await server.cleanup()
