"""Books to build finance queries on: a small simulated year on a database of the tests', and the command on it."""

import asyncio
import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from interfaces.demo.year import naive
from interfaces.demo.year.play import Plan, play
from interfaces.exchanges import built_in
from interfaces.postgres.configuration import Urls
from tests.interfaces.cli.command import Ended, Lastro
from tests.projections.house import House, a_house, projections_of

ACME = "acme"
SMALL = Plan(users=14, days=75, per_day=2, traders=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """An installation whose read models are at the end of the log."""

    urls: Urls
    lastro: Lastro

    def finance(self, *words: str) -> Ended:
        """Run `lastro finance …`."""
        return self.lastro("finance", *words)

    def rows(self, query: str, *parameters: object, tenant: str | None = None) -> list[tuple[Any, ...]]:
        """Read as the owner, or as the application's role for a tenant."""
        with psycopg.connect(self.urls.owner if tenant is None else self.urls.app) as connection:
            if tenant is not None:
                connection.execute("SELECT set_config('app.tenant', %s, true)", (tenant,))
            cursor = connection.execute(query.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def execute(self, statement: str) -> None:
        """Change something as the owner."""
        with psycopg.connect(self.urls.owner, autocommit=True) as connection:
            connection.execute(statement.encode())

    def write(self, scene: Callable[[House], Awaitable[None]]) -> None:
        """Let commands run, with the read models following to the end."""
        asyncio.run(_written(self.urls, scene))

    def marts(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return the rows of every mart, in an order of their own."""
        names = self.rows(
            "SELECT relname FROM pg_class WHERE relnamespace = 'finance'::regnamespace AND relrowsecurity ORDER BY 1"
        )
        return {name: sorted(self._all(name), key=repr) for (name,) in names}

    def count(self, name: str, *, tenant: str | None = None) -> int:
        """Count the rows of a mart, as the owner or for a tenant."""
        return len(self._all(name, tenant=tenant))

    def _all(self, name: str, *, tenant: str | None = None) -> list[tuple[Any, ...]]:
        return self.rows(f"TABLE finance.{name}", tenant=tenant)


def opened(urls: Urls, home: Path) -> Books:
    """Give the books of a database, empty as yet."""
    (home / "master.key").write_bytes(b64encode(bytes(range(32))))
    (home / "evidence.key").write_bytes(b64encode(bytes(range(32))))
    assert urls.finance is not None
    settings = {
        "LASTRO_DATABASE_URL": urls.app,
        "LASTRO_OWNER_URL": urls.owner,
        "LASTRO_PROJECTOR_URL": urls.projector,
        "LASTRO_FINANCE_URL": urls.finance,
        "LASTRO_MASTER_KEY_FILE": str(home / "master.key"),
        "LASTRO_EVIDENCE_KEY_FILE": str(home / "evidence.key"),
    }
    lastro = Lastro(data=home / "data", settings=settings, command_s=300)
    lastro("migrate").succeeded()
    return Books(urls=urls, lastro=lastro)


async def a_year(house: House) -> None:
    """Play a small year."""
    await play(house.committer, house.store, tenant=ACME, plan=SMALL, candles=built_in.candles())


async def _written(urls: Urls, scene: Callable[[House], Awaitable[None]]) -> None:
    async with a_house(urls) as house:
        await scene(house)
        async with projections_of(urls):
            await house.caught_up()


def second_opinion(events: Path, tenant: str) -> dict[str, Any]:
    """Run the naive calculation as a program of its own, without anything but the standard library in its reach."""
    command = [sys.executable, "-I", "-S", naive.__file__, str(events), tenant]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
