"""Figures of money in and out, over TCP from this process against a whole `lastro up`.

Deposits: signed messages come in and are settled. The sandbox stands for the provider: its objects are in the same
server, so what is measured is ours: taking a message, reading the fact through the port, and one append with the
deposit, its claim and its entries. Withdrawals: requests are decided on books and limits. Between the parts everything
that follows the log comes to its end, so that none is measured in the wake of another.
"""

import itertools
import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

import psycopg
import uvloop
from pydantic_core import to_json
from standardwebhooks.webhooks import Webhook

from dev.bench.figures import Better, Figure, Report, percentile
from dev.bench.load import closed_loop, open_loop, request
from dev.bench.running import PASSWORD, add_conditions, add_user, free_port, installation, lastro, login, up
from interfaces.postgres.configuration import Layout
from interfaces.postgres.vault_crypto import load_master_key

CONNECTIONS = 32
USERS = 6
PER_SECOND = 300
SECONDS = 8.0
STEADY = int(PER_SECOND * SECONDS)
AT_ONCE = 1_800
DEPOSITS = STEADY + AT_ONCE
WITHDRAWING_S = 5.0
WITHIN_S = 60.0
LOOK_S = 0.02
WITHOUT_LIMITS = {
    "LASTRO_DESTINATION_COOLING_S": "0",
    "LASTRO_WITHDRAWAL_REQUESTS_PER_DAY": "1000000",
    "LASTRO_WITHDRAWAL_TERMS": json.dumps(
        {"USD": {"fee": "0.50", "minimum": "1.00", "per_request": "1000.00", "per_day": "900000000.00"}}
    ),
}

_PAID = """
    UPDATE sandbox.objects SET fact = fact::jsonb || jsonb_build_object(
        'status', 'succeeded', 'movement', jsonb_build_object(
            'id', 'txn_' || id, 'settled', fact -> 'amount', 'fee', '{"value":"0.40","asset":"USD"}'::jsonb
        )
    )
    WHERE kind = 'payment' RETURNING id
"""
_HEAD = "SELECT max(notification_id) FROM log.events"
_LAST = "SELECT max(notification_id) FROM log.events WHERE topic = %s"
_TOLD = "provider.event_received.v1"
_COUNT = "SELECT count(*) FROM log.events WHERE topic = %s"
_SETTLED_TO = "SELECT log_position FROM log.policy_cursors WHERE name = 'payments'"
_FOLLOWED_TO = "SELECT min(log_position) FROM projection.generations"
_LAGS = """
    SELECT extract(epoch FROM settled.recorded_at - told.recorded_at)::float8 FROM log.events AS settled
    INNER JOIN log.events AS told ON told.event_id = settled.causation_id
    WHERE settled.topic = 'deposit.settled.v1' AND told.notification_id > %s
"""


def measure() -> Report:
    """Measure money in and out with the worker following; nothing else may run on the machine meanwhile."""
    report = Report("payments")
    os.environ.update(WITHOUT_LIMITS)
    with installation() as home:
        port = free_port()
        subprocess.run([lastro(), "migrate", "--data", str(home)], check=True, capture_output=True)
        users = [add_user(home, f"trader{number}@bench.example", "trader") for number in range(USERS)]
        add_user(home, "finance@bench.example", "finance")
        with up(home, port, report), psycopg.connect(Layout(data=home).urls().owner, autocommit=True) as connection:
            report.conditions["limits of withdrawals"] = "raised"
            add_conditions(report, home, "before")
            uvloop.run(_load(report, home, port=port, users=users, connection=connection))
            add_conditions(report, home, "after")
    return report


async def _load(report: Report, home: Path, *, port: int, users: list[str], connection: psycopg.Connection) -> None:
    tokens = [login(port, f"trader{number}@bench.example") for number in range(USERS)]
    payments = await _deposits_asked_for(report, connection, port=port, tokens=tokens)
    await _settle_at_once(report, connection, home, port=port, payments=payments[STEADY:])
    await _settle_steadily(report, connection, home, port=port, payments=payments[:STEADY])
    await _withdraw(report, connection, port=port, tokens=tokens, users=users)


async def _deposits_asked_for(
    report: Report, connection: psycopg.Connection, *, port: int, tokens: list[str]
) -> list[str]:
    """Ask for deposits until there are enough; let the sandbox have them all paid. Return its ids."""
    asking = itertools.cycle(tokens)
    made, rates = 0, list[float]()
    while made < DEPOSITS:
        asked = await closed_loop(port, lambda: _deposit(next(asking)), connections=CONNECTIONS, seconds=2.0)
        _require_no_errors(asked.errors)
        made += len(asked.latencies_s)
        rates.append(asked.rate)
    report.add(Figure(name="deposits asked for", value=fmean(rates), unit="/s"))
    payments = [str(row[0]) for row in connection.execute(_PAID)]
    _until_followed(connection)
    return payments[:DEPOSITS]


async def _settle_at_once(
    report: Report, connection: psycopg.Connection, home: Path, *, port: int, payments: list[str]
) -> None:
    """Send messages as fast as they are taken, and wait until every deposit is settled."""
    messages = _messages(home, payments)
    started = time.perf_counter()
    sent = await closed_loop(
        port, lambda: next(messages), connections=CONNECTIONS, seconds=WITHIN_S, most=len(payments)
    )
    _until(connection, _SETTLED_TO, _position(connection, _LAST, _TOLD))
    seconds = time.perf_counter() - started
    _require(connection, "deposit.settled.v1", len(payments))
    report.add(
        Figure(
            name="deposits settled by message, end to end", value=len(payments) / seconds, unit="/s", target=PER_SECOND
        )
    )
    _require_no_errors(sent.errors)
    _until_followed(connection)


async def _settle_steadily(
    report: Report, connection: psycopg.Connection, home: Path, *, port: int, payments: list[str]
) -> None:
    """Send messages at a fixed rate, and compare when each was on record with when its deposit was settled."""
    before = _position(connection, _HEAD)
    messages = _messages(home, payments)
    sent = await open_loop(
        port, lambda: next(messages), per_second=PER_SECOND, connections=CONNECTIONS, seconds=SECONDS
    )
    _until(connection, _SETTLED_TO, _position(connection, _LAST, _TOLD))
    _require(connection, "deposit.settled.v1", len(payments) + AT_ONCE)
    lags = [lag for (lag,) in connection.execute(_LAGS, [before])]
    _require_no_errors(sent.errors)
    value = 1_000 * percentile(lags, 0.99)
    name = f"policy lag p99 at {PER_SECOND}/s"
    report.add(Figure(name=name, value=value, unit="ms", target=200, better=Better.LESS))
    answered = 1_000 * percentile(sent.latencies_s, 0.99)
    report.add(Figure(name=f"p99 of taking a message at {PER_SECOND}/s", value=answered, unit="ms"))
    _until_followed(connection)


async def _withdraw(
    report: Report, connection: psycopg.Connection, *, port: int, tokens: list[str], users: list[str]
) -> None:
    """Ask for withdrawals as fast as they are answered: each is decided on its user's book and limits, and holds."""
    finance = login(port, "finance@bench.example")
    for user in users:
        _post(port, "ledger/entries", token=finance, body=_money_for(user))
    fresh = [_post(port, "auth/step-up", token=token, body={"password": PASSWORD})["access_token"] for token in tokens]
    to = [_post(port, "destinations", token=token, body=_IBAN)["id"] for token in fresh]
    asking = itertools.cycle(zip(tokens, to, strict=True))

    def withdrawal() -> bytes:
        token, destination = next(asking)
        body = to_json({"amount": {"value": "2.00", "asset": "USD"}, "destination_id": destination})
        return request("POST", "/api/v1/withdrawals", token=token, body=body, key=f"{time.perf_counter_ns()}")

    asked = await closed_loop(port, withdrawal, connections=CONNECTIONS, seconds=WITHDRAWING_S)
    _require_no_errors(asked.errors)
    _require(connection, "withdrawal.requested.v1", len(asked.latencies_s))
    report.add(Figure(name="withdrawals asked for", value=asked.rate, unit="/s", target=500))


_IBAN = {"kind": "iban", "asset": "USD", "holder": "Somebody", "iban": "GB82WEST12345698765432"}


def _money_for(user: str) -> dict[str, Any]:
    lines = (("assets:bank:client:main", "1000000.00"), (f"liabilities:users:{user}:real:available", "-1000000.00"))
    postings = [{"account": account, "asset": "USD", "amount": amount} for account, amount in lines]
    return {"kind": "bench", "postings": postings}


def _post(port: int, path: str, *, token: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {token}",
        "Idempotency-Key": f"{time.perf_counter_ns()}",
    }
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/{path}", data=to_json(body), headers=headers)
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - our own server on loopback
        made: dict[str, Any] = json.load(answer)
        return made


def _position(connection: psycopg.Connection, query: str, *parameters: object) -> int:
    row = connection.execute(query.encode(), parameters).fetchone()
    assert row is not None
    return int(row[0])


def _until_followed(connection: psycopg.Connection) -> None:
    """Wait until every read model and the policy have come to the end of the log."""
    head = _position(connection, _HEAD)
    _until(connection, _SETTLED_TO, head)
    _until(connection, _FOLLOWED_TO, head)


def _until(connection: psycopg.Connection, cursor: str, log_position: int) -> None:
    """Wait until a cursor has come so far. Looking costs next to nothing, and little is looked."""
    end = time.perf_counter() + WITHIN_S
    while _position(connection, cursor) < log_position:
        if time.perf_counter() > end:
            raise RuntimeError(f"what follows the log did not come to {log_position} within {WITHIN_S:g} s")
        time.sleep(LOOK_S)


def _require(connection: psycopg.Connection, topic: str, count: int) -> None:
    if connection.execute(_COUNT, [topic]).fetchone() != (count,):
        raise RuntimeError(f"there are not {count} of {topic}")


def _require_no_errors(errors: int) -> None:
    if errors:
        raise RuntimeError(f"{errors} requests were not answered as they should be")


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
