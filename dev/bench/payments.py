"""Figures of deposits: signed messages come over TCP from this process, and a whole `lastro up` settles them.

The sandbox stands for the provider: its objects are in the same server, so what is measured is ours: taking a message,
reading the fact through the port, and one append with the deposit, its claim and its entries.
"""

import itertools
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import uvloop
from pydantic_core import to_json
from standardwebhooks.webhooks import Webhook

from dev.bench.figures import Better, Figure, Report, percentile
from dev.bench.load import closed_loop, open_loop, request
from dev.bench.running import add_conditions, add_user, free_port, installation, lastro, login, up
from interfaces.postgres.configuration import Layout
from interfaces.postgres.vault_crypto import load_master_key

DEPOSITS = 6_000
CONNECTIONS = 32
USERS = 20
PER_SECOND = 300
SECONDS = 8.0
SETTLED_WITHIN_S = 60.0

_PAID = """
    UPDATE sandbox.objects SET fact = fact::jsonb || jsonb_build_object(
        'status', 'succeeded', 'movement', jsonb_build_object(
            'id', 'txn_' || id, 'settled', fact -> 'amount', 'fee', '{"value":"0.40","asset":"USD"}'::jsonb
        )
    )
    WHERE kind = 'payment' RETURNING id
"""
_SETTLED = "SELECT count(*) FROM log.events WHERE topic = 'deposit.settled.v1'"
_LAGS = """
    SELECT extract(epoch FROM settled.recorded_at - told.recorded_at)::float8 FROM log.events AS settled
    INNER JOIN log.events AS told ON told.event_id = settled.causation_id
    WHERE settled.topic = 'deposit.settled.v1' AND told.notification_id > %s
"""


def measure() -> Report:
    """Measure deposits with the worker following; nothing else may run on the machine meanwhile."""
    report = Report("payments")
    with installation() as home:
        port = free_port()
        subprocess.run([lastro(), "migrate", "--data", str(home)], check=True, capture_output=True)
        for number in range(USERS):
            add_user(home, f"trader{number}@bench.example", "trader")
        with up(home, port, report):
            uvloop.run(_load(report, home, port))
    return report


async def _load(report: Report, home: Path, port: int) -> None:
    tokens = itertools.cycle([login(port, f"trader{number}@bench.example") for number in range(USERS)])
    add_conditions(report, home, "before")
    asked = await open_loop(
        port,
        lambda: _deposit(next(tokens)),
        per_second=PER_SECOND,
        connections=CONNECTIONS,
        seconds=DEPOSITS / PER_SECOND,
    )
    report.add(
        Figure(name="p99 of POST /deposits at 300/s", value=1_000 * percentile(asked.latencies_s, 0.99), unit="ms")
    )
    with psycopg.connect(Layout(data=home).urls().owner, autocommit=True) as connection:
        payments = [row[0] for row in connection.execute(_PAID)]
        steady = int(PER_SECOND * SECONDS)
        await _settle_at_once(report, connection, home, port=port, payments=payments[steady:])
        await _settle_steadily(report, connection, home, port=port, payments=payments[:steady])
    report.add(Figure(name="errors", value=asked.errors, unit="answers", target=0, better=Better.LESS))
    add_conditions(report, home, "after")


async def _settle_at_once(
    report: Report, connection: psycopg.Connection, home: Path, *, port: int, payments: list[str]
) -> None:
    """Send messages as fast as they are taken, and wait until every deposit is settled."""
    messages = _messages(home, payments)
    started = time.perf_counter()
    sent = await closed_loop(port, lambda: next(messages), connections=CONNECTIONS, seconds=len(payments) / 1_000)
    told = min(len(sent.latencies_s), len(payments))
    _wait_until_settled(connection, told)
    rate = told / (time.perf_counter() - started)
    report.add(Figure(name="deposits settled by message, end to end", value=rate, unit="/s", target=PER_SECOND))


async def _settle_steadily(
    report: Report, connection: psycopg.Connection, home: Path, *, port: int, payments: list[str]
) -> None:
    """Send messages at a fixed rate, and compare when each was on record with when its deposit was settled."""
    row = connection.execute("SELECT max(notification_id) FROM log.events").fetchone()
    settled = connection.execute(_SETTLED).fetchone()
    assert row is not None
    assert settled is not None
    messages = _messages(home, payments)
    await open_loop(port, lambda: next(messages), per_second=PER_SECOND, connections=CONNECTIONS, seconds=SECONDS)
    _wait_until_settled(connection, settled[0] + len(payments))
    lags = [lag for (lag,) in connection.execute(_LAGS, [row[0]])]
    value = 1_000 * percentile(lags, 0.99)
    name = f"policy lag p99 at {PER_SECOND}/s"
    report.add(Figure(name=name, value=value, unit="ms", target=200, better=Better.LESS))


def _wait_until_settled(connection: psycopg.Connection, count: int) -> None:
    end = time.perf_counter() + SETTLED_WITHIN_S
    while connection.execute(_SETTLED).fetchone() != (count,):
        if time.perf_counter() > end:
            raise RuntimeError(f"{count} deposits were not settled within {SETTLED_WITHIN_S:g} s")
        time.sleep(0.005)


def _deposit(token: str) -> bytes:
    body = b'{"amount":{"value":"10.00","asset":"USD"}}'
    return request("POST", "/api/v1/deposits", token=token, body=body, key=f"{time.perf_counter_ns()}")


def _messages(home: Path, payments: list[str]) -> Iterator[bytes]:
    """Give a signed message for each payment, then the last one again, which settles nothing more."""
    webhook = Webhook(load_master_key(home / "master.key", create=False).sandbox)
    made = b""
    for payment in payments:
        body, now = to_json({"kind": "payment", "object": payment}), datetime.now(UTC)
        lines = (
            "POST /api/v1/webhooks/sandbox HTTP/1.1",
            "Host: 127.0.0.1",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            f"webhook-id: bench_{payment}",
            f"webhook-timestamp: {int(now.timestamp())}",
            f"webhook-signature: {webhook.sign(f'bench_{payment}', now, body.decode())}",
        )
        made = "\r\n".join([*lines, "", ""]).encode() + body
        yield made
    while True:
        yield made
