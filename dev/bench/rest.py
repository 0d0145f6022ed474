"""Figures of the API: a whole `lastro up` beside the load, which comes over TCP from this process."""

import asyncio
import json
import random
import subprocess
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import uvloop

from dev.bench.figures import Better, Figure, Report, percentile
from dev.bench.load import Answered, closed_loop, open_loop, request
from dev.bench.running import add_conditions, add_user, free_port, installation, lastro, login, up
from interfaces.postgres.configuration import Layout

CONNECTIONS = 64
SECONDS = 8.0
PER_SECOND = 600
BULK = 100
USERS = 50
CALLS_AT_ONCE = 2
"""Calls of the command line that make users: each takes two seconds, so they are made two at a time."""


def measure() -> Report:
    """Measure the API with its worker following; nothing else may run on the machine meanwhile."""
    report = Report("rest")
    with installation() as home:
        port = free_port()
        subprocess.run([lastro(), "migrate", "--data", str(home)], check=True, capture_output=True)
        with ThreadPoolExecutor(CALLS_AT_ONCE) as calls:
            emails = [f"trader{number}@bench.example" for number in range(USERS)]
            traders = list(calls.map(lambda email: add_user(home, email, "trader"), emails))
        add_user(home, "finance@bench.example", "finance")
        with up(home, port, report):
            uvloop.run(_load(report, home, port=port, users=traders))
    return report


async def _load(report: Report, home: Path, *, port: int, users: list[str]) -> None:
    finance = login(port, "finance@bench.example")
    trader = login(port, "trader0@bench.example")

    def post() -> bytes:
        return _post(finance, "/api/v1/ledger/entries", _entry(random.choice(users)))

    def bulk() -> bytes:
        entries = {"entries": [_entry(random.choice(users)) for _ in range(BULK)]}
        return _post(finance, "/api/v1/ledger/entries/bulk", entries)

    def balances() -> bytes:
        return request("GET", "/api/v1/balances", token=trader)

    add_conditions(report, home, "before")
    await closed_loop(port, post, connections=CONNECTIONS, seconds=2.0)
    posted = await closed_loop(port, post, connections=CONNECTIONS, seconds=SECONDS)
    _add(report, posted, name="POST /ledger/entries, 64 connections", target=1_200)
    answered: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
    watching = asyncio.create_task(_watch_cursors(home, answered))
    steady = await open_loop(port, post, per_second=PER_SECOND, connections=CONNECTIONS, seconds=SECONDS)
    answered.set_result(steady)
    watched = await watching
    _add_latency(report, f"p99 of POST at {PER_SECOND}/s, open loop", steady.latencies_s, target_ms=50)
    _add_latency(report, f"projection lag p99 at {PER_SECOND}/s", _lags(steady, watched), target_ms=100)
    read = await closed_loop(port, balances, connections=CONNECTIONS, seconds=SECONDS)
    _add(report, read, name="GET /balances, 64 connections", target=1_500)
    bulked = await closed_loop(port, bulk, connections=8, seconds=SECONDS)
    report.add(Figure(name=f"entries/s in bulks of {BULK}", value=bulked.rate * BULK, unit="/s", target=8_000))
    errors = sum(answered.errors for answered in (posted, steady, bulked, read))
    report.add(Figure(name="errors", value=errors, unit="answers", target=0, better=Better.LESS))
    add_conditions(report, home, "after")


def _add(report: Report, answered: Answered, *, name: str, target: float) -> None:
    report.add(Figure(name=name, value=answered.rate, unit="/s", target=target))


def _add_latency(report: Report, name: str, values_s: list[float], *, target_ms: float) -> None:
    value = 1_000 * percentile(values_s, 0.99)
    report.add(Figure(name=name, value=value, unit="ms", target=target_ms, better=Better.LESS))


async def _watch_cursors(home: Path, answered: "asyncio.Future[Answered]") -> list[tuple[float, int]]:
    """Note, every few milliseconds, how far the slowest live read model has come, until it holds all answers."""
    seen: list[tuple[float, int]] = []
    slowest = "SELECT min(log_position) FROM projection.generations WHERE role = 'live'"
    async with await psycopg.AsyncConnection.connect(Layout(data=home).urls().app, autocommit=True) as connection:
        while not answered.done() or seen[-1][1] < answered.result().positions[-1][1]:
            row = await (await connection.execute(slowest, prepare=True)).fetchone()
            assert row is not None
            seen.append((time.perf_counter(), row[0]))
            await asyncio.sleep(0.004)
    return seen


def _lags(answered: Answered, watched: list[tuple[float, int]]) -> list[float]:
    """For each answer: how long until every read model held what it had written."""
    lags, cursor = [], 0
    for when, position in sorted(answered.positions, key=lambda item: item[1]):
        while watched[cursor][1] < position:
            cursor += 1
        lags.append(max(0.0, watched[cursor][0] - when))
    return lags


def _entry(user: str) -> dict[str, object]:
    amount = f"{random.randint(1, 9)}.00"
    return {
        "kind": "bench",
        "postings": [
            {"account": "assets:psp:bench", "asset": "USD", "amount": amount},
            {"account": f"liabilities:users:{user}:real:available", "asset": "USD", "amount": f"-{amount}"},
        ],
    }


def _post(token: str, path: str, body: Mapping[str, object]) -> bytes:
    return request("POST", path, token=token, body=json.dumps(body).encode(), key=uuid.uuid4().hex)
