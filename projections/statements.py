"""The statement of an account: its postings in log order with the balance after each, on the account's normal side.

A page costs a page, however long the history: the cursor carries the balances at its end.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from application.store import Connection
from domain.ids import UserId
from domain.ledger.accounts import Account, NormalSide, describe
from domain.money import Amount, Asset
from projections.accounts import AccountUnused, own_account
from projections.journal import KNOWN, NAME
from projections.paging import FIRST, MalformedCursor, read_cursor, write_cursor
from projections.reading import fetch, log_position
from projections.times import NOW, Cut, Moment, resolve

Running = dict[Asset, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """One posting with the balance of its asset after it."""

    log_position: int
    line: int
    entry: str
    kind: str
    reference: str
    note: str
    occurred_at: datetime
    effective_at: datetime
    recorded_at: datetime
    amount: Amount
    balance: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A page of a statement: what is brought forward, the lines, and what is carried over, per asset."""

    account: Account
    opening: tuple[Amount, ...]
    items: tuple[StatementLine, ...]
    closing: tuple[Amount, ...]
    next_cursor: str | None
    log_position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """Where a page begins: behind which line, with which balances (debit positive), and what counts as known."""

    cut: Cut
    position: int = 0
    line: int = 0
    running: Running


_WANTED = f"account = %(account)s AND (%(asset)s::text IS NULL OR asset = %(asset)s) AND {KNOWN}"
_USED = "SELECT account FROM read.postings WHERE account = %(account)s LIMIT 1"
_OPENING = f"""
    SELECT asset, max(scale) AS scale, sum(units) AS units FROM read.postings
    WHERE {_WANTED} AND effective_at < %(from)s GROUP BY asset
"""
_LINES = f"""
    SELECT p.log_position, p.line, p.units, p.scale, p.asset, e.id AS entry, e.kind, e.reference, e.note,
        e.occurred_at, e.effective_at, e.recorded_at
    FROM (
        SELECT * FROM read.postings
        WHERE {_WANTED} AND effective_at >= coalesce(%(from)s::timestamptz, '-infinity')
            AND effective_at < coalesce(%(to)s::timestamptz, 'infinity')
            AND (log_position, line) > (%(position)s, %(line)s)
        ORDER BY log_position, line LIMIT %(limit)s
    ) AS p INNER JOIN read.entries AS e USING (log_position)
    ORDER BY p.log_position, p.line
"""


async def get_statement(
    connection: Connection,
    account: str,
    *,
    asset: str | None = None,
    effective_from: datetime | None = None,
    effective_to: datetime | None = None,
    moment: Moment = NOW,
    limit: int,
    cursor: str | None = None,
) -> Statement:
    """Return a page of an account's statement, oldest line first; effective from (inclusive) to (exclusive).

    What is known is settled with the first page, by `known_at` or by how far the model is, and travels in the cursor:
    all pages are cut at the same append, and what is written meanwhile comes into none.
    Raises `UnknownAccount`, `AccountUnused` or `MalformedCursor`.
    """
    described = describe(account)
    model_position = await log_position(connection, NAME)
    wanted: dict[str, object] = {"account": account, "asset": asset, "from": effective_from, "to": effective_to}
    if cursor is None:
        start = await _first(connection, wanted, moment, model_position=model_position)
    else:
        start = _read(cursor, moment)
    wanted |= start.cut.parameters | {"position": start.position, "line": start.line, "limit": limit + 1}
    rows = await fetch(connection, dict[str, Any], _LINES, wanted)
    sign = -1 if described.normal_side is NormalSide.CREDIT else 1
    running = dict(start.running)
    items = tuple(_line(row, running, sign) for row in rows[:limit])
    more = len(rows) > limit
    return Statement(
        account=described,
        opening=_amounts(start.running, sign),
        items=items,
        closing=_amounts(running, sign),
        next_cursor=_write(start.cut, items[-1], running) if more else None,
        log_position=model_position,
    )


async def get_own_statement(
    connection: Connection,
    user: UserId,
    *,
    bucket: str,
    state: str,
    asset: str | None = None,
    effective_from: datetime | None = None,
    effective_to: datetime | None = None,
    moment: Moment = NOW,
    limit: int,
    cursor: str | None = None,
) -> Statement:
    """Return a page of the statement of a user's bucket; an empty one as long as nothing was ever booked there.

    Raises `UnknownBucket` or `MalformedCursor`.
    """
    account = own_account(user, bucket, state)
    times = {"effective_from": effective_from, "effective_to": effective_to}
    try:
        return await get_statement(connection, account, asset=asset, **times, moment=moment, limit=limit, cursor=cursor)
    except AccountUnused:
        position = await log_position(connection, NAME)
        described = describe(account)
        return Statement(account=described, opening=(), items=(), closing=(), next_cursor=None, log_position=position)


async def _first(connection: Connection, wanted: dict[str, object], moment: Moment, *, model_position: int) -> _Start:
    if not await fetch(connection, dict[str, str], _USED, wanted):
        raise AccountUnused(account=str(wanted["account"]))
    known = await resolve(connection, moment)
    cut = Cut(min(known.known, model_position), known.as_of)
    if wanted["from"] is None:
        return _Start(cut=cut, running={})
    sums = await fetch(connection, dict[str, Any], _OPENING, {**wanted, **cut.parameters})
    return _Start(cut=cut, running={Asset(row["asset"], row["scale"]): row["units"] for row in sums})


def _read(cursor: str, moment: Moment) -> _Start:
    known, position, line, balances = read_cursor(cursor, FIRST, FIRST, FIRST, [])
    try:
        running = {Asset(str(code), int(scale)): int(units) for code, scale, units in balances}
    except (AssertionError, TypeError, ValueError):
        raise MalformedCursor(at=("cursor",)) from None
    return _Start(cut=Cut(known, moment.as_of), position=position, line=line, running=running)


def _write(cut: Cut, last: StatementLine, running: Running) -> str:
    balances = [[asset.code, asset.scale, units] for asset, units in running.items()]
    return write_cursor(cut.known, last.log_position, last.line, balances)


def _line(row: dict[str, Any], running: Running, sign: int) -> StatementLine:
    """Make a line of a row, and move the running balance of its asset."""
    asset, units = Asset(row.pop("asset"), row.pop("scale")), row.pop("units")
    running[asset] = running.get(asset, 0) + units
    return StatementLine(**row, amount=asset.amount(sign * units), balance=asset.amount(sign * running[asset]))


def _amounts(running: Running, sign: int) -> tuple[Amount, ...]:
    ordered = sorted(running.items(), key=lambda item: item[0].code)
    return tuple(asset.amount(sign * units) for asset, units in ordered)
