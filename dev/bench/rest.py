"""Figures of the API: a whole `lastro up` beside the load, which comes over TCP from this process."""

import asyncio
import itertools
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
import uvloop

from dev.bench.figures import Better, Figure, Report, percentile
from dev.bench.load import Answered, closed_loop, open_loop, request
from interfaces.postgres.configuration import Layout

CONNECTIONS = 64
SECONDS = 8.0
PER_SECOND = 600
BULK = 100
USERS = 50
READY_LIMIT_S = 60.0
PASSWORD = "a long enough pass phrase"  # noqa: S105 - of users that live as long as this benchmark


def measure() -> Report:
    """Measure the API with its worker following; nothing else may run on the machine meanwhile."""
    report = Report("rest")
    with _installation() as home:
        port = _free_port()
        subprocess.run([_lastro(), "migrate", "--data", str(home)], check=True, capture_output=True)
        traders = [_add_user(home, f"trader{number}@bench.example", "trader") for number in range(USERS)]
        _add_user(home, "finance@bench.example", "finance")
        with _up(home, port, report):
            uvloop.run(_load(report, home, port=port, users=traders))
    return report


async def _load(report: Report, home: Path, *, port: int, users: list[str]) -> None:
    finance = _login(port, "finance@bench.example")
    trader = _login(port, "trader0@bench.example")

    def post() -> bytes:
        return _post(finance, "/api/v1/ledger/entries", _entry(random.choice(users)))

    def bulk() -> bytes:
        entries = {"entries": [_entry(random.choice(users)) for _ in range(BULK)]}
        return _post(finance, "/api/v1/ledger/entries/bulk", entries)

    def balances() -> bytes:
        return request("GET", "/api/v1/balances", token=trader)

    _conditions(report, home, "before")
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
    _conditions(report, home, "after")


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


@contextmanager
def _installation() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="lastro-bench-"))
    folder.chmod(0o711)
    try:
        yield folder / "data"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _up(home: Path, port: int, report: Report) -> Iterator[None]:
    """Run `lastro up`, note how long it took to be ready and what it needs when idle, and stop it afterwards."""
    command = [_lastro(), "up", "--port", str(port), "--data", str(home)]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_ready(port, process)
        report.add(Figure(name="`lastro up` ready", value=time.perf_counter() - started, unit="s"))
        for name, value, target in _api_process(home):
            unit = "s" if "ready" in name else "MB"
            report.add(Figure(name=name, value=value, unit=unit, target=target, better=Better.LESS))
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def _api_process(home: Path) -> Iterator[tuple[str, float, float]]:
    """Start one more `lastro api` beside the installation: how fast is it ready, how much memory does it hold."""
    port = _free_port()
    started = time.perf_counter()
    process = subprocess.Popen(
        [_lastro(), "api", "--port", str(port), "--data", str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_ready(port, process)
        yield "api ready", time.perf_counter() - started, 3
        pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
        yield "api idle, resident", pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 150
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.perf_counter() + READY_LIMIT_S
    for _ in itertools.count():
        if process.poll() is not None:
            raise RuntimeError(f"it ended with exit status {process.returncode} before it was ready")
        if time.perf_counter() > end:
            raise RuntimeError(f"it was not ready within {READY_LIMIT_S:g} s")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2) as answer:
                if answer.status == 200:  # noqa: PLR2004 - 200 OK
                    return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.02)


def _add_user(home: Path, email: str, role: str) -> str:
    """Create an active user at the command line and return the id."""
    command = [_lastro(), "user", "create", "--email", email, "--role", role, "--password", PASSWORD, "--json"]
    created = subprocess.run([*command, "--data", str(home)], check=True, capture_output=True, text=True)
    return str(json.loads(created.stdout)["id"])


def _login(port: int, email: str) -> str:
    body = json.dumps({"email": email, "password": PASSWORD}).encode()
    url = f"http://127.0.0.1:{port}/api/v1/auth/login"
    asked = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - our own server on loopback
        return str(json.load(answer)["access_token"])


def _conditions(report: Report, home: Path, when: str) -> None:
    with psycopg.connect(Layout(data=home).urls().owner) as connection:
        for name in ("fsync", "synchronous_commit"):
            row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            assert row is not None
            report.conditions[name] = str(row[0])
        counted = connection.execute("SELECT count(*) FROM log.events").fetchone()
        assert counted is not None
        report.conditions[f"events {when}"] = f"{counted[0]:,}"
    report.conditions["processes"] = "PostgreSQL, api, worker, supervisor, load"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _lastro() -> str:
    return str(Path(sys.executable).with_name("lastro"))
