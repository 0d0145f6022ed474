"""SIGKILL of any process at any moment, with commands in flight: what was acknowledged is there, and is there once."""

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psycopg
import pytest

from dev.bench.load import request
from interfaces.postgres.configuration import Layout
from interfaces.supervisor import DEATHS_MAX

IN_FLIGHT = 128
LEAST_UNDER_WAY = 100
MOMENTS = 5
MOMENTS_IN_CI = 2
PASSWORD = "a long enough pass phrase"
LIMIT_S = 180.0
LASTRO = (sys.executable, "-m", "interfaces.cli.main")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry that a client was told of, and where it stands in the log."""

    id: str
    log_position: int


@dataclass(slots=True)
class Outcome:
    """What clients saw: keys they sent, and the entry each acknowledged key made."""

    sent: dict[str, bytes] = field(default_factory=dict)
    acknowledged: dict[str, Entry] = field(default_factory=dict)

    @property
    def unacknowledged(self) -> set[str]:
        return self.sent.keys() - self.acknowledged.keys()


@dataclass(slots=True)
class Installation:
    """A running `lastro up`, and what is needed to use it."""

    home: Path
    port: int
    process: subprocess.Popen[bytes]
    user: str

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(timeout=30) == 0

    def restart(self) -> None:
        self.process = _up(self.home, self.port)
        _until_ready(self.port)

    def token(self) -> str:
        body = json.dumps({"email": "finance@example.org", "password": PASSWORD}).encode()
        answer = _http(self.port, "/api/v1/auth/login", body)
        return str(json.loads(answer)["access_token"])


@pytest.fixture
def installation(home: Path) -> Iterator[Installation]:
    _cli(home, "migrate")
    _cli(home, "user", "create", "--email", "finance@example.org", "--role", "finance", "--password", PASSWORD)
    created = _cli(home, "user", "create", "--email", "t@example.org", "--role", "trader", "--password", PASSWORD)
    port = _free_port()
    running = Installation(home, port, _up(home, port), str(created["id"]))
    try:
        _until_ready(port)
        yield running
    finally:
        running.process.terminate()
        running.process.wait(timeout=30)


VICTIMS = ("api", "worker", "supervisor", "postgres")


@pytest.mark.crash
@pytest.mark.timeout(600)
@pytest.mark.parametrize("victim", VICTIMS)
def test_a_kill_loses_nothing_acknowledged_and_applies_nothing_twice(installation: Installation, victim: str) -> None:
    prove(installation, victim, moments=MOMENTS_IN_CI, seed="a few")


@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.timeout(900)
@pytest.mark.parametrize("victim", VICTIMS)
def test_twenty_kills_lose_nothing_acknowledged_and_apply_nothing_twice(
    installation: Installation, victim: str
) -> None:
    prove(installation, victim, moments=MOMENTS, seed="many")


def prove(installation: Installation, victim: str, *, moments: int, seed: str) -> None:
    """Kill the victim at random moments, ask for everything again each time, and audit what came of it."""
    after = random.Random(f"{seed} kills of {victim}")
    lost_answers = 0
    for moment in range(moments):
        if moment == DEATHS_MAX - 1:  # a supervisor gives up on a child that dies that often within a minute
            installation.stop()
            installation.restart()
        children = _children_of(installation)
        outcome = asyncio.run(_load_and_kill(installation, victim, after_s=after.uniform(0.15, 0.9)))
        if victim == "supervisor":
            installation.process.wait(timeout=30)
            _until(partial(_are_gone, children), "its children live on")
            installation.restart()
        _until_ready(installation.port)
        lost_answers += len(outcome.unacknowledged)
        _assert_nothing_acknowledged_is_lost(installation.home, outcome)
        asyncio.run(_ask_again(installation, outcome))
        _assert_each_once(installation.home, outcome)
    # PostgreSQL's death is waited out and answered afterwards; only the API's takes answers with it.
    assert victim != "api" or lost_answers >= moments * LEAST_UNDER_WAY
    verified = subprocess.run([*LASTRO, "audit", "verify", "--data", str(installation.home)], check=False)
    assert verified.returncode == 0


async def _load_and_kill(installation: Installation, victim: str, *, after_s: float) -> Outcome:
    """Keep `IN_FLIGHT` connections busy, and kill the victim in the middle of it so long after all are connected."""
    outcome, token = Outcome(), installation.token()
    stop, connected = asyncio.Event(), asyncio.Barrier(IN_FLIGHT + 1)

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", installation.port)
        await connected.wait()
        with contextlib.closing(writer), contextlib.suppress(OSError, EOFError, _NotAccepted):
            while not stop.is_set():
                key = uuid.uuid4().hex
                outcome.sent[key] = _entry(installation.user)
                outcome.acknowledged[key] = await _post(reader, writer, token=token, key=key, body=outcome.sent[key])

    clients = [asyncio.create_task(client()) for _ in range(IN_FLIGHT)]
    await connected.wait()
    await asyncio.sleep(after_s)
    assert len(outcome.unacknowledged) >= LEAST_UNDER_WAY, "the kill came when too little was under way"
    os.kill(_pid_of(installation, victim), signal.SIGKILL)
    if victim == "worker":
        await asyncio.sleep(0.3)
    stop.set()
    await asyncio.gather(*clients)
    return outcome


async def _ask_again(installation: Installation, outcome: Outcome) -> None:
    """Send every request once more: the first answer comes again, or the first effect comes now."""
    token = installation.token()
    keys = asyncio.Queue[str]()
    for key in outcome.sent:
        keys.put_nowait(key)

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", installation.port)
        with contextlib.closing(writer):
            while not keys.empty():
                key = keys.get_nowait()
                entry = await _post(reader, writer, token=token, key=key, body=outcome.sent[key])
                assert outcome.acknowledged.setdefault(key, entry) == entry

    await asyncio.gather(*(client() for _ in range(16)))


def _assert_nothing_acknowledged_is_lost(home: Path, outcome: Outcome) -> None:
    """Look before anything is asked for again: a repetition would do anew, under the same id, what was lost."""
    query = "SELECT key, last_log_position FROM log.receipts WHERE key = ANY(%s)"
    with psycopg.connect(Layout(data=home).urls().owner) as connection:
        kept: dict[str, int] = dict(connection.execute(query, [list(outcome.acknowledged)]).fetchall())
    assert kept == {key: entry.log_position for key, entry in outcome.acknowledged.items()}


def _assert_each_once(home: Path, outcome: Outcome) -> None:
    with psycopg.connect(Layout(data=home).urls().owner) as connection:
        query = """
            SELECT r.key, count(*), min(replace(e.event_id::text, '-', '')), min(e.notification_id), count(e.event_id)
            FROM log.receipts AS r LEFT JOIN log.events AS e
            ON e.append_id = r.number AND e.topic = 'ledger.entry_posted.v1'
            WHERE r.key = ANY(%s) GROUP BY r.key
        """
        rows = connection.execute(query, [list(outcome.sent)]).fetchall()
    assert {key: (receipts, Entry(id, at), entries) for key, receipts, id, at, entries in rows} == {
        key: (1, entry, 1) for key, entry in outcome.acknowledged.items()
    }


class _NotAccepted(Exception):
    """The answer was not 201: the database was away. The client asks again later with the same key."""


async def _post(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, token: str, key: str, body: bytes
) -> Entry:
    writer.write(request("POST", "/api/v1/ledger/entries", token=token, key=key, body=body))
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    answer = await reader.readexactly(length)
    if head[9:12] != b"201":
        raise _NotAccepted(answer)
    said = json.loads(answer)
    return Entry(said["id"], said["log_position"])


def _entry(user: str) -> bytes:
    postings = [
        {"account": "assets:psp:test", "asset": "USD", "amount": "1.00"},
        {"account": f"liabilities:users:{user}:real:available", "asset": "USD", "amount": "-1.00"},
    ]
    return json.dumps({"kind": "test", "postings": postings}).encode()


def _pid_of(installation: Installation, victim: str) -> int:
    if victim == "supervisor":
        return installation.process.pid
    if victim == "postgres":
        return int((Layout(data=installation.home).cluster / "postmaster.pid").read_text().split()[0])
    for child in _children_of(installation):
        if f"\0{victim}\0".encode() in Path(f"/proc/{child}/cmdline").read_bytes():
            return child
    raise AssertionError(f"there is no {victim}")


def _are_gone(processes: list[int]) -> bool:
    return not any(Path(f"/proc/{process}").exists() for process in processes)


def _children_of(installation: Installation) -> list[int]:
    pid = installation.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _up(home: Path, port: int) -> subprocess.Popen[bytes]:
    command = [*LASTRO, "up", "--data", str(home), "--port", str(port)]
    with (home.parent / "up.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def _cli(home: Path, *arguments: str) -> dict[str, object]:
    command = [*LASTRO, *arguments, "--json", "--data", str(home)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    made: dict[str, object] = json.loads(done.stdout)
    return made


def _until_ready(port: int) -> None:
    def is_ready() -> bool:
        try:
            return bool(json.loads(_http(port, "/health/ready"))["status"] == "ready")
        except (OSError, urllib.error.URLError):
            return False

    _until(is_ready, "it did not come back")


def _until(holds: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < end, otherwise
        time.sleep(0.05)


def _http(port: int, path: str, body: bytes | None = None) -> bytes:
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", data=body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - our own server on loopback
        content: bytes = answer.read()
        return content


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
