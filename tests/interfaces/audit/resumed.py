"""Verifications that are interrupted and go on, and what they report."""

from pathlib import Path
from typing import Any

import psycopg

from interfaces.audit.evidence import Seals
from interfaces.audit.report import as_object
from interfaces.audit.verify import Verified, verify
from interfaces.postgres.configuration import Urls
from tests.interfaces.audit.forgery import Books, change, entry, forge, take_snapshots
from tests.interfaces.audit.sealing import NOTARY, seal
from tests.projections.house import projections_of

SEALS = Seals(key=NOTARY.key)


class Interrupted(Exception):
    """A verification was stopped on purpose."""


async def wrong_log(books: Books) -> None:
    """Let everything be looked at, and something be wrong early, late, and in a read model."""
    house = books.house
    await take_snapshots(house)
    await seal(house)
    lines = (f"liabilities:users:{books.ana}:real:available", "50.01 USD"), ("assets:psp:x", "-50.01 USD")
    await forge(house, (f"acme:book-{books.ana}", entry(*lines, now=house.now)))
    async with projections_of(house.urls):
        await house.caught_up()
    change(house.urls, 5, old="{", new="{ ")
    with psycopg.connect(house.urls.owner) as connection:
        connection.execute("UPDATE users_g1.users SET status = 'SUSPENDED' WHERE id = %s", (books.ana,))


def interrupt(urls: Urls, file: Path, *, after: int, last: int | None = None) -> None:
    """Verify in one process until so many pieces are done."""

    def told(done: int, _: int) -> None:
        if done == after:
            raise Interrupted

    try:
        verify(urls.projector, processes=1, told=told, seals=SEALS, last=last, progress=file)
    except Interrupted:
        return
    raise AssertionError("it ended before it was interrupted")


def go_on(urls: Urls, file: Path | None, *, last: int | None = None) -> Verified:
    """Verify to the end."""
    return verify(urls.projector, processes=1, seals=SEALS, last=last, progress=file)


def report_of(verified: Verified) -> dict[str, Any]:
    """Return the report without what depends on the run: times, and what was taken over."""
    report = as_object(verified)
    for name in ("seconds", "events_per_s", "taken_over"):
        del report[name]
    for check in report["checks"]:
        del check["seconds"]
    return report
