"""Figures of a rebuild of all read models while commands go on, somebody reads all the time, and a long report is open.

The log is made by the use cases that the API calls. Load, followers and readers are in a process of their own.
"""

import asyncio
import multiprocessing
import resource
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from typing import Any

import psycopg
import uvloop

from application.store import Connection, Store, speak_hex_ids
from application.wakeup import Wakeup
from dev.bench.figures import Better, Figure, Report, percentile
from dev.bench.mixed import Mixed
from dev.bench.world import TENANT, add_users, committing, fresh_server, posting
from interfaces.collecting import collect_rarely
from interfaces.folding import folding_apart
from interfaces.postgres import connections
from interfaces.postgres.configuration import Urls
from interfaces.postgres.connections import reading
from projections import accounts
from projections.comparison import compare
from projections.generations import live_generations
from projections.models import PROJECTIONS
from projections.rebuild import build
from projections.runner import ProjectionRunner
from projections.switching import switch

EVENTS = 1_000_000
USERS = 1_200
PER_SECOND = 200
MODELS = tuple(PROJECTIONS.values())
REPORT_S = 3.0
PAGE = 100
"""Accounts that a reader asks for; users have more."""
READ_PAUSE_S = 0.02


def measure() -> Report:
    """Measure a rebuild; nothing else may run on the machine meanwhile."""
    collect_rarely()
    with fresh_server() as urls:
        started = time.perf_counter()
        uvloop.run(make_history(urls, EVENTS))
        made_s = time.perf_counter() - started
        report = measure_on(urls)
    report.conditions["log made by commands in"] = f"{made_s:,.0f} s"
    return report


async def make_history(urls: Urls, events: int, *, users: int = USERS) -> None:
    """Make a log of many kinds of events in many books."""
    async with committing(urls) as committer:
        await (await Mixed.begin(committer, users=users)).grow(events)


def measure_on(urls: Urls) -> Report:
    """Build all read models for the first time, then measure one more rebuild under load."""
    report = Report("rebuild")
    _conditions(report, urls)
    alone = _Told()
    uvloop.run(_rebuild(urls, alone))
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=_house, args=(theirs, urls))
    process.start()
    theirs.close()  # so that its end is noticed here
    assert mine.recv() == "running"
    told = _Told()
    uvloop.run(_rebuild(urls, told))
    mine.send("stop")
    seen: Seen = mine.recv()
    process.join()
    _figures(report, told, seen)
    rate = alone.events / alone.built_s
    report.add(Figure(name="first build, with nothing else to do", value=rate, unit="events/s"))
    return report


@dataclass(slots=True)
class _Told:
    """When what was done, in seconds since the rebuild began."""

    events: int = 0
    built_s: float = 0.0
    compared_s: float = 0.0
    switched_s: float = 0.0
    switches: list[tuple[float, float]] = field(default_factory=list)
    """When each began and ended, on the clock that all processes share."""

    def told(self, _: int, end: int) -> None:
        """Take in how many events there are."""
        self.events = end


@dataclass(slots=True)
class Seen:
    """What readers and callers met meanwhile. Each read is told by when it began and ended."""

    reads: list[tuple[float, float]] = field(default_factory=list)
    fewest_accounts: int = 10**9
    went_back: int = 0
    commands: int = 0
    seconds: float = 0.0
    reports: int = 0
    resident_mb: float = 0.0


async def _rebuild(urls: Urls, told: _Told) -> None:
    async def connect() -> Connection:
        return await connections.connect(urls.projector, name="bench-rebuild")

    async with connections.pool(urls.projector, name="bench-rebuild", size=1, configure=speak_hex_ids) as pool:
        store, started = Store(pool), time.perf_counter()
        with folding_apart(urls.projector) as apart:
            candidates = await build(MODELS, connect=connect, store=store, told=told.told, apart=apart)
        told.built_s = time.perf_counter() - started
        async with await connect() as connection:
            live = await live_generations(connection)
        for projection, candidate in zip(MODELS, candidates, strict=True):
            if live and await compare(projection, candidate, connect=connect, store=store):
                raise RuntimeError(f"{candidate.schema} differs from the live generation")
        told.compared_s = time.perf_counter() - started - told.built_s
        for projection, candidate in zip(MODELS, candidates, strict=True):
            began = time.perf_counter()
            await switch(projection, candidate, connect=connect, store=store)
            told.switches.append((began, time.perf_counter()))
        told.switched_s = time.perf_counter() - started - told.built_s - told.compared_s


def _house(pipe: Pipe, urls: Urls) -> None:
    """Follow the log, post entries at a steady rate, and read, until told to stop."""
    collect_rarely()
    pipe.send(uvloop.run(_live(pipe, urls)))


async def _live(pipe: Pipe, urls: Urls) -> Seen:
    seen, stop = Seen(), asyncio.Event()
    async with _followed(urls), committing(urls) as committer:
        users = await add_users(committer, 20)

        async def post() -> None:
            await committer.submit(posting(users[seen.commands % len(users)], uuid.uuid4().hex))

        pool = connections.pool(urls.app, name="bench-readers", size=4)
        async with pool:
            parts = (_post(post, seen, stop), _read(pool, seen, stop), _long_reports(pool, seen, stop))
            tasks = [asyncio.create_task(part) for part in parts]
            pipe.send("running")
            started = time.perf_counter()
            await asyncio.get_running_loop().run_in_executor(None, pipe.recv)
            stop.set()
            seen.seconds = time.perf_counter() - started
            await asyncio.gather(*tasks)
    seen.resident_mb = _resident_mb()
    return seen


def _resident_mb() -> float:
    """Return the most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def _post(post: Callable[[], Coroutine[Any, Any, None]], seen: Seen, stop: asyncio.Event) -> None:
    started, running = time.perf_counter(), set[asyncio.Task[None]]()
    while not stop.is_set():
        await asyncio.sleep(max(0.0, started + seen.commands / PER_SECOND - time.perf_counter()))
        task = asyncio.create_task(post())
        running.add(task)
        task.add_done_callback(running.discard)
        seen.commands += 1
    await asyncio.gather(*running)


async def _read(pool: connections.Pool, seen: Seen, stop: asyncio.Event) -> None:
    """Read a page of balances all the time: there are more accounts than it holds, so a half-built model would show."""
    before = 0
    while not stop.is_set():
        started = time.perf_counter()
        async with reading(pool, TENANT) as connection:
            page = await accounts.list_accounts(connection, prefix="liabilities", limit=PAGE)
        seen.reads.append((started, time.perf_counter()))
        seen.fewest_accounts = min(seen.fewest_accounts, len(page.items))
        seen.went_back += page.log_position < before
        before = page.log_position
        await asyncio.sleep(READ_PAUSE_S)


async def _long_reports(pool: connections.Pool, seen: Seen, stop: asyncio.Event) -> None:
    """Hold a snapshot of a model for seconds, again and again."""
    while not stop.is_set():
        async with reading(pool, TENANT) as connection:
            await accounts.list_accounts(connection, prefix="assets", limit=1)
            await asyncio.sleep(REPORT_S)
            await accounts.list_accounts(connection, prefix="assets", limit=1)
        seen.reports += 1
        await asyncio.sleep(REPORT_S / 2)


@asynccontextmanager
async def _followed(urls: Urls) -> AsyncIterator[None]:
    async def connecting() -> Connection:
        return await connections.connect(urls.projector, name="bench-projections")

    wakeup = Wakeup(connecting, "lastro_log")
    async with connections.pool(urls.projector, name="bench-projections", size=4, configure=speak_hex_ids) as source:
        await wakeup.start()
        runner = ProjectionRunner(connect=connecting, store=Store(source), wakeup=wakeup)
        following = asyncio.create_task(runner.run())
        try:
            yield
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await wakeup.stop()


def _figures(report: Report, told: _Told, seen: Seen) -> None:
    rate = told.events / told.built_s
    report.add(Figure(name=f"rebuild of all {len(MODELS)} models", value=rate, unit="events/s", target=30_000))
    report.add(Figure(name="comparing them, row by row", value=told.compared_s, unit="s"))
    report.add(Figure(name="switching them", value=told.switched_s, unit="s"))
    report.add(
        Figure(name="commands meanwhile", value=seen.commands / seen.seconds, unit="/s", target=PER_SECOND * 0.98)
    )
    at_switches, elsewhere = _waits_ms(seen, told)
    longest = max(at_switches, default=0.0)
    report.add(Figure(name="longest wait at a switch", value=longest, unit="ms", target=100, better=Better.LESS))
    report.add(Figure(name="longest wait of a reader elsewhere", value=max(elsewhere, default=0.0), unit="ms"))
    report.add(Figure(name="p99 of a reader", value=percentile([*at_switches, *elsewhere], 0.99), unit="ms"))
    report.add(Figure(name="fewest accounts a reader saw", value=seen.fewest_accounts, unit="accounts", target=PAGE))
    report.add(Figure(name="times a model went back", value=seen.went_back, unit="", target=0, better=Better.LESS))
    report.add(Figure(name="most memory of the rebuild", value=_resident_mb(), unit="MB"))
    report.conditions["memory of load, followers, readers"] = f"{seen.resident_mb:,.0f} MB"
    report.conditions["long reports"] = f"{seen.reports}, each {REPORT_S:g} s on one snapshot"
    report.conditions["reads"] = f"{len(seen.reads):,}, {len(at_switches):,} of them while a model was switched"


def _waits_ms(seen: Seen, told: _Told) -> tuple[list[float], list[float]]:
    """Return how long reads took that met a switch, and all others."""
    at_switches: list[float] = []
    elsewhere: list[float] = []
    for began, ended in seen.reads:
        met = any(began < last and ended > first for first, last in told.switches)
        (at_switches if met else elsewhere).append(1_000 * (ended - began))
    return at_switches, elsewhere


def _conditions(report: Report, urls: Urls) -> None:
    with psycopg.connect(urls.owner) as connection:
        for name, query in (
            ("fsync", "SELECT current_setting('fsync')"),
            ("events", "SELECT to_char(count(*), 'FM999,999,999') FROM log.events"),
            ("event types", "SELECT count(DISTINCT topic)::text FROM log.events"),
            ("books", "SELECT count(DISTINCT originator_id)::text FROM log.events WHERE originator_id LIKE '%:book-%'"),
        ):
            row = connection.execute(query.encode()).fetchone()
            assert row is not None
            report.conditions[name] = str(row[0])
    report.conditions["processes"] = "PostgreSQL, rebuild, load with followers and readers"
