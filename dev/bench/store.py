"""Figures of the store in process: durable, with every check on, against raw COPY of the same rows."""

import asyncio
import gc
import multiprocessing
import random
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from itertools import takewhile
from multiprocessing.connection import Connection as Pipe

import psycopg
import uvloop

from application.cache import StateCache
from application.commands import Command
from application.committer import Committer
from application.group import Job, Prepared
from application.store import EVENT_COLUMNS, Group, Store, append, load, speak_hex_ids
from dev.bench.figures import Better, Figure, Report
from dev.bench.world import add_users, committing, fresh_server, posting, posting_many
from domain.ids import UserId
from interfaces.collecting import collect_rarely
from interfaces.postgres import connections
from interfaces.postgres.configuration import Urls

USERS = 1_000
COMMANDS = 60_000
WARM_UP = 6_000
RIVAL_SECONDS = 4.0
READ_BACK = 100
BULK = 100
READY_GROUPS = 200
READY_COMMANDS = 128


def measure() -> Report:
    """Measure the store; nothing else may run on the machine meanwhile."""
    collect_rarely()
    report = Report("store")
    with fresh_server() as urls:
        _conditions(report, urls, "before")
        users = uvloop.run(_alone(report, urls))
        uvloop.run(_append_alone(report, urls, users))
        _together(report, urls, users[0])
        _raw_copy(report, urls)
        _conditions(report, urls, "after")
    return report


async def _alone(report: Report, urls: Urls) -> list[UserId]:
    """Measure one committer: 20 callers, 256 callers, one hot book, bulk."""
    async with committing(urls) as committer:
        users = await add_users(committer, USERS)

        def spread(key: str) -> Command:
            return posting(random.choice(users), key)

        def hot(key: str) -> Command:
            return posting(users[0], key)

        def bulk(key: str) -> Command:
            return posting_many(random.sample(users, BULK), key)

        await _rate(committer, made(spread, WARM_UP), callers=64)  # every book is loaded once before anything counts
        few = await _rate(committer, made(spread, COMMANDS), callers=20)
        report.add(Figure(name="commands/s, 20 callers", value=few, unit="/s", target=10_000))
        many = await _rate(committer, made(spread, COMMANDS), callers=256)
        report.add(Figure(name="commands/s, 256 callers", value=many, unit="/s", target=25_000))
        one = await _rate(committer, made(hot, COMMANDS), callers=256)
        report.add(Figure(name="commands/s, 256 callers, one hot book", value=one, unit="/s", target=0.8 * many))
        entries = BULK * await _rate(committer, made(bulk, COMMANDS // BULK), callers=16)
        report.add(Figure(name=f"entries/s in bulks of {BULK}", value=entries, unit="/s", target=40_000))
        making = await _rate(committer, making_now(spread, COMMANDS), callers=256)
        report.add(Figure(name="commands/s, 256 callers who make them meanwhile", value=making, unit="/s"))
        await _read_back(report, urls)
        report.conditions["commands"] = "made before the clock starts, but for the figure that says otherwise"
        return users


def made(make: Callable[[str], Command], count: int) -> Iterator[Command]:
    """Return commands that are ready: who asks is not part of the store, and would share its processor."""
    ready = list(making_now(make, count))
    gc.collect()
    gc.freeze()  # the collector would look through all of them again and again
    return iter(ready)


def making_now(make: Callable[[str], Command], count: int) -> Iterator[Command]:
    """Yield commands that are made when they are asked for, by the process that also runs the store."""
    run = uuid.uuid4().hex
    return (make(f"{run}-{turn}") for turn in range(count))


async def _rate(committer: Committer, commands: Iterator[Command], *, callers: int) -> float:
    """Return accepted commands per second of so many callers, each waiting for its answer before it asks again."""
    done = 0

    async def caller() -> None:
        nonlocal done
        for command in commands:
            (await committer.submit(command)).accepted()
            done += 1

    started = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return done / (time.perf_counter() - started)


async def _read_back(report: Report, urls: Urls) -> None:
    """Read random results back: what was acknowledged is there."""
    pool = connections.pool(urls.app, name="bench-reads", size=1)
    async with pool:
        store = Store(pool)
        head = await store.head()
        for _ in range(READ_BACK):
            position = random.randrange(head)
            batch = await store.read_after(position, limit=1)
            assert batch.events[0].log_position == position + 1
    report.conditions["read back"] = f"{READ_BACK} random events"


async def _append_alone(report: Report, urls: Urls, users: list[UserId]) -> None:
    """Feed `log.append()` with groups that were decided before: the reference that no committer of ours can beat."""
    async with await connections.connect(urls.app, name="bench-append") as connection:
        speak_hex_ids(connection)
        groups = await _ready_groups(connection, users)
        started = time.perf_counter()
        for group in groups:
            assert (await append(connection, group)).outcome == "appended"
        rate = READY_GROUPS * READY_COMMANDS / (time.perf_counter() - started)
    report.add(Figure(name=f"log.append() alone, ready groups of {READY_COMMANDS}", value=rate, unit="/s"))


async def _ready_groups(connection: connections.Connection, users: list[UserId]) -> list[Group]:
    """Decide groups one on top of the other, as a committer does, without sending any."""
    cache, run = StateCache(4 * len(users)), uuid.uuid4().hex
    groups = []
    for turn in range(READY_GROUPS):
        prepared = Prepared()
        for user in random.sample(users, READY_COMMANDS):
            command = posting(user, f"{run}-{turn}-{user}")
            if missing := cache.missing(command.reads):
                await cache.refresh(missing, lambda wanted: load(connection, wanted))
            states = {stream: entry for stream in command.reads if (entry := cache.get(stream)) is not None}
            prepared.decide(Job(command, asyncio.get_running_loop().create_future(), {}), states)
        for stream, entry in prepared.changes.items():
            cache.put(stream, entry)
        groups.append(prepared.group)
    return groups


def _together(report: Report, urls: Urls, user: UserId) -> None:
    """Let two committers of two processes fight for one hot book."""
    context = multiprocessing.get_context("spawn")
    pipes = []
    for _ in range(2):
        mine, theirs = context.Pipe()
        process = context.Process(target=_rival, args=(theirs, urls, user))
        process.start()
        pipes.append((mine, process))
    results = []
    for mine, process in pipes:
        results.append(mine.recv())
        process.join()
    total, most = sum(rate for rate, _ in results), max(losses for _, losses in results)
    report.add(Figure(name="commands/s, two committers on one hot book", value=total, unit="/s"))
    report.add(Figure(name="most losses of one group", value=most, unit="times", target=4, better=Better.LESS))


def _rival(pipe: Pipe, urls: Urls, user: UserId) -> None:
    async def fight() -> tuple[float, int]:
        async with committing(urls) as committer:
            end = time.perf_counter() + RIVAL_SECONDS
            making = making_now(lambda key: posting(user, key), sys.maxsize)
            rate = await _rate(committer, takewhile(lambda _: time.perf_counter() < end, making), callers=64)
            return rate, committer.statistics.most_losses

    pipe.send(uvloop.run(fight()))


def _raw_copy(report: Report, urls: Urls) -> None:
    """Copy the events just written into a table of the same shape: the reference that no ledger can beat."""
    columns = EVENT_COLUMNS
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        connection.execute("CREATE TABLE public.raw_copy (LIKE log.events INCLUDING ALL)")
        rows_of_the_log = f"COPY (SELECT {columns} FROM log.events LIMIT 200000) TO STDOUT"  # noqa: S608 - a constant
        with connection.cursor().copy(rows_of_the_log) as source:
            rows = [bytes(block) for block in source]
        started = time.perf_counter()
        with connection.cursor().copy(f"COPY public.raw_copy ({columns}) FROM STDIN") as target:
            for row in rows:
                target.write(row)
        seconds = time.perf_counter() - started
        connection.execute("DROP TABLE public.raw_copy")
    raw = len(rows) / seconds
    bulk = next(figure.value for figure in report.figures if figure.name.startswith("entries/s in bulks"))
    report.add(Figure(name="raw COPY of the same rows", value=raw, unit="rows/s"))
    report.add(Figure(name="bulk as a share of raw COPY", value=100 * bulk / raw, unit="%"))


def _conditions(report: Report, urls: Urls, when: str) -> None:
    with psycopg.connect(urls.owner) as connection:
        for name in ("fsync", "synchronous_commit"):
            row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            assert row is not None
            report.conditions[name] = str(row[0])
        counted = connection.execute("SELECT count(*) FROM log.events").fetchone()
        assert counted is not None
        report.conditions[f"events {when}"] = f"{counted[0]:,}"
    report.conditions["processes"] = "1 (2 for the rivals)"
