"""Figures of the finance queries: all models over many postings, their checks, and what a few new postings cost.

`LASTRO_BENCH_POSTINGS` asks for another number of postings than a million, which is what the targets are for.
"""

import asyncio
import os
import random
import resource
import tempfile
import time
import uuid
from datetime import timedelta
from pathlib import Path

import uvloop

from application.committer import Committer
from application.ledger import post_entries
from application.store import Connection, Store, speak_hex_ids
from application.wakeup import Wakeup
from dev.bench.figures import Better, Figure, Report
from dev.bench.world import add_users, committing, entry_for, envelope, fresh_server
from domain.ids import UserId
from interfaces.finance.building import Build, build
from interfaces.finance.project import Dbt
from interfaces.postgres import connections
from interfaces.postgres.configuration import Urls
from projections.journal import NAME as JOURNAL
from projections.models import PROJECTIONS
from projections.runner import ProjectionRunner

MILLION = 1_000_000
POSTINGS = int(os.environ.get("LASTRO_BENCH_POSTINGS", MILLION))
NEW = 10_000
BULK = 200
USERS = 500
CALLERS = 8
READ = tuple(PROJECTIONS[name] for name in (JOURNAL, "accounts", "connections", "fills", "positions"))


def measure() -> Report:
    """Measure builds of the finance queries; nothing else may run on the machine meanwhile."""
    report = Report("finance")
    with fresh_server() as urls, tempfile.TemporaryDirectory() as folder:
        users = uvloop.run(_post(urls, [], POSTINGS, days=365))
        dbt = Dbt(urls.finance, Path(folder))
        build(dbt, check=False)  # the first parse and the first tables, which `--full` replaces
        _built(report, "models, full", build(dbt, full=True, check=False), target=30)
        started = time.perf_counter()
        checked = build(dbt)
        assert not checked.findings, checked.findings
        seconds = sum(step.seconds for step in checked.checks)
        _took(report, "checks", _wall(checked, started), target=60)
        report.conditions["checks"] = f"{len(checked.checks)}, {seconds:.1f} s of work on two threads"
        uvloop.run(_post(urls, users, NEW, days=1))
        _built(report, f"models, {NEW:,} new postings", build(dbt, check=False), target=8)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    report.conditions["postings"] = f"{POSTINGS:,}"
    report.conditions["memory of dbt"] = f"{peak:,.0f} MB"
    report.conditions["processes"] = "this one with two threads, PostgreSQL"
    return report


def _built(report: Report, name: str, done: Build, *, target: float) -> None:
    assert not done.findings, done.findings
    _took(report, name, done.seconds, target=target)


def _took(report: Report, name: str, seconds: float, *, target: float) -> None:
    wanted = target if POSTINGS == MILLION else None
    report.add(Figure(name=name, value=seconds, unit="s", target=wanted, better=Better.LESS))


def _wall(checked: Build, started: float) -> float:
    """Return how long the checks took, the models before them included: they had nothing new to read."""
    assert checked.checks, "it was checked"
    return time.perf_counter() - started


async def _post(urls: Urls, users: list[UserId], postings: int, *, days: int) -> list[UserId]:
    """Post entries of two lines over so many days, with read models following; return the users."""

    async def connecting() -> Connection:
        return await connections.connect(urls.projector, name="bench-projections")

    async with (
        connections.pool(urls.projector, name="bench-projections", size=4, configure=speak_hex_ids) as source,
        committing(urls) as committer,
    ):
        wakeup = Wakeup(connecting, "lastro_log")
        await wakeup.start()
        runner = ProjectionRunner(connect=connecting, store=Store(source), wakeup=wakeup, projections=READ)
        following = asyncio.create_task(runner.run())
        known = users or await add_users(committer, USERS)
        keys = iter(range(max(1, postings // 2 // BULK)))

        async def caller() -> None:
            for _ in keys:
                await _bulk(committer, known, days)

        await asyncio.gather(*(caller() for _ in range(CALLERS)))
        await _until_followed(runner, committer)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await wakeup.stop()
    return known


async def _bulk(committer: Committer, users: list[UserId], days: int) -> None:
    key = uuid.uuid4().hex
    asked = envelope(key)
    entries = [
        entry_for(user, f"{key}-{index}", asked.now - timedelta(days=random.randrange(days)))
        for index, user in enumerate(random.choices(users, k=BULK))
    ]
    (await committer.submit(post_entries(asked, entries))).accepted()


async def _until_followed(runner: ProjectionRunner, committer: Committer) -> None:
    while True:
        await asyncio.sleep(0.1)
        reached = [one.log_position for one in runner.progress.values()]
        if reached and min(reached) >= committer.head:
            return
