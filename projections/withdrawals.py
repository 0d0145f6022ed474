"""Withdrawals: what was asked for, where each stands, who did what; and the queue of those that wait for somebody."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

from application.log import Recorded
from application.store import Connection
from domain.destinations import Kind
from domain.ledger.accounts import Bucket
from domain.money import Amount
from domain.withdrawals.errors import UnknownWithdrawal
from domain.withdrawals.events import (
    WithdrawalApproved,
    WithdrawalCancelled,
    WithdrawalEvent,
    WithdrawalFailed,
    WithdrawalPaid,
    WithdrawalRejected,
    WithdrawalRequested,
    WithdrawalReturned,
    WithdrawalSent,
)
from domain.withdrawals.payout_file import PayoutFileMade
from domain.withdrawals.terms import Status
from projections import reading
from projections.changes import Append, Change, Put, Row
from projections.paging import FIRST, LAST, page_of, read_cursor
from projections.reading import Answer, Page, fetch, log_position, where

NAME = "withdrawals"
HANDLES = (
    WithdrawalRequested, WithdrawalCancelled, WithdrawalApproved, WithdrawalRejected, WithdrawalSent, WithdrawalPaid,
    WithdrawalFailed, WithdrawalReturned, PayoutFileMade,
)  # fmt: skip


class WaitsFor(StrEnum):
    """What an open withdrawal waits for: a decision, or the bank."""

    APPROVAL = "approval"
    PAYMENT = "payment"


def apply(recorded: Recorded, event: WithdrawalEvent | PayoutFileMade) -> Iterator[Change]:
    """Begin a withdrawal or set what the event says of it, and keep who did it; or add a file for the bank."""
    if isinstance(event, PayoutFileMade):
        yield Append("payout_files", _made(recorded, event))
        return
    key = {"tenant": recorded.tenant, "id": event.withdrawal}
    match event:
        case WithdrawalRequested():
            yield Put("withdrawals", key, _requested(recorded, event))
            status = Status.REQUESTED
        case WithdrawalCancelled(occurred_at=at):
            status = Status.CANCELLED
            yield _put(key, status, at)
        case WithdrawalApproved(occurred_at=at):
            status = Status.APPROVED
            yield _put(key, status, at, waits_for=WaitsFor.PAYMENT.value)
        case WithdrawalRejected(reason=reason, occurred_at=at):
            status = Status.REJECTED
            yield _put(key, status, at, reason=reason)
        case WithdrawalSent(file=file):
            yield Put("withdrawals", key, {"payout_file": file})
            return
        case WithdrawalPaid(reference=reference, occurred_at=at):
            status = Status.PAID
            yield _put(key, status, at, bank_reference=reference)
        case WithdrawalFailed(reason=reason, occurred_at=at):
            status = Status.FAILED
            yield _put(key, status, at, reason=reason)
        case WithdrawalReturned(reason=reason, occurred_at=at):
            status = Status.RETURNED
            yield _put(key, status, at, reason=reason)
        case _:
            assert_never(event)
    yield Append("withdrawal_steps", _step(recorded, event, status))


def _requested(recorded: Recorded, event: WithdrawalRequested) -> Row:
    return {
        "user_id": event.user,
        "destination": event.destination,
        "rail": event.rail.value,
        "bucket": event.bucket.value,
        "asset": event.amount.asset.code,
        "scale": event.amount.asset.scale,
        "amount": event.amount.units,
        "fee": event.fee.units,
        "withheld": event.withheld.units,
        "net": (event.amount - event.withheld - event.fee).units,
        "needs_second_person": event.terms.needs_second_person(event.amount),
        "status": Status.REQUESTED.value,
        "waits_for": WaitsFor.APPROVAL.value,
        "requested_at": event.occurred_at,
        "changed_at": event.occurred_at,
        "log_position": recorded.log_position,
    }


def _made(recorded: Recorded, event: PayoutFileMade) -> Row:
    return {
        "tenant": recorded.tenant,
        "log_position": recorded.log_position,
        "id": event.file,
        "payments": len(event.withdrawals),
        "asset": event.total.asset.code,
        "scale": event.total.asset.scale,
        "total": event.total.units,
        "made_by": event.by,
        "made_at": event.occurred_at,
    }


def _put(key: Row, status: Status, at: datetime, **more: str) -> Put:
    return Put("withdrawals", key, {"status": status.value, "waits_for": None, "changed_at": at, **more})


def _step(recorded: Recorded, event: WithdrawalEvent, status: Status) -> Row:
    return {
        "tenant": recorded.tenant,
        "log_position": recorded.log_position,
        "withdrawal_id": event.withdrawal,
        "status": status.value,
        "actor": recorded.actor,
        "occurred_at": event.occurred_at,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A withdrawal; `net` is what the user gets of `amount`, `reason` why it came to nothing."""

    id: str
    user: str
    destination: str
    rail: Kind
    bucket: Bucket
    amount: Amount
    fee: Amount
    withheld: Amount
    net: Amount
    needs_second_person: bool
    status: Status
    reason: str | None
    payout_file: str | None
    bank_reference: str | None
    requested_at: datetime
    changed_at: datetime
    log_position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutFile:
    """A file for the bank: how many payments, and its control total."""

    id: str
    payments: int
    total: Amount
    made_by: str
    made_at: datetime
    log_position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A status that a withdrawal came to, and who brought it there."""

    status: Status
    actor: str
    occurred_at: datetime


_COLUMNS = """
    id, user_id AS user, destination, rail, bucket, asset, scale, amount, fee, withheld, net, needs_second_person,
    status, reason, payout_file, bank_reference, requested_at, changed_at, log_position
"""
_ONE = f"SELECT {_COLUMNS} FROM read.withdrawals WHERE id = %(id)s"
_LIST = "SELECT {columns} FROM read.withdrawals WHERE {conditions} ORDER BY log_position DESC LIMIT %(limit)s"
_QUEUE = "SELECT {columns} FROM read.withdrawals WHERE {conditions} ORDER BY log_position LIMIT %(limit)s"
_CONDITIONS = {"before": "log_position < %(before)s", "user": "user_id = %(user)s", "status": "status = %(status)s"}
_IN_QUEUE = {
    "after": "waits_for IS NOT NULL AND log_position > %(after)s",
    "waits_for": "waits_for = %(waits_for)s",
    "asset": "asset = %(asset)s",
}
_TO_SEND = """
    SELECT id AS withdrawal FROM read.withdrawals
    WHERE waits_for = 'payment' AND payout_file IS NULL AND rail <> 'crypto' AND asset = %(asset)s
    ORDER BY log_position LIMIT %(limit)s
"""
_FILES = """
    SELECT id, payments, total, asset, scale, made_by, made_at, log_position FROM read.payout_files
    WHERE log_position < %(before)s ORDER BY log_position DESC LIMIT %(limit)s
"""
_STEPS = """
    SELECT status, actor, occurred_at FROM read.withdrawal_steps WHERE withdrawal_id = %(id)s ORDER BY log_position
"""


async def get_withdrawal(connection: Connection, withdrawal: str) -> Answer[tuple[Withdrawal, tuple[Step, ...]]]:
    """Return one withdrawal, whosever it is, and what happened to it. Raises `UnknownWithdrawal`."""
    position = await log_position(connection, NAME)
    found = await fetch(connection, _row, _ONE, {"id": withdrawal})
    if not found:
        raise UnknownWithdrawal
    steps = await fetch(connection, _step_of, _STEPS, {"id": withdrawal})
    return Answer((found[0], tuple(steps)), position)


async def list_withdrawals(
    connection: Connection,
    *,
    user: str | None = None,
    status: Status | None = None,
    limit: int,
    cursor: str | None = None,
) -> Page[Withdrawal]:
    """List withdrawals of a user, or all, newest first."""
    (before,) = read_cursor(cursor, LAST)
    position = await log_position(connection, NAME)
    wanted = {"before": before, "user": user, "status": status and status.value}
    query = _LIST.format(columns=_COLUMNS, conditions=where(_CONDITIONS, wanted))
    found = await fetch(connection, _row, query, {**wanted, "limit": limit + 1})
    return page_of(found, limit=limit, log_position=position, cursor_of=lambda one: (one.log_position,))


async def list_queue(
    connection: Connection,
    *,
    waits_for: WaitsFor | None = None,
    asset: str | None = None,
    limit: int,
    cursor: str | None = None,
) -> Page[Withdrawal]:
    """List withdrawals that wait for somebody, oldest first."""
    (after,) = read_cursor(cursor, FIRST)
    position = await log_position(connection, NAME)
    wanted = {
        "after": after,
        "waits_for": waits_for and waits_for.value,
        "asset": asset,
    }
    query = _QUEUE.format(columns=_COLUMNS, conditions=where(_IN_QUEUE, wanted))
    found = await fetch(connection, _row, query, {**wanted, "limit": limit + 1})
    return page_of(found, limit=limit, log_position=position, cursor_of=lambda one: (one.log_position,))


async def list_to_send(connection: Connection, asset: str, *, limit: int) -> list[str]:
    """List approved withdrawals in an asset that are in no file for the bank yet, by id, oldest first."""
    await log_position(connection, NAME)
    return await fetch(connection, lambda *, withdrawal: withdrawal, _TO_SEND, {"asset": asset, "limit": limit})


async def list_payout_files(connection: Connection, *, limit: int, cursor: str | None = None) -> Page[PayoutFile]:
    """List files for the bank, newest first."""
    (before,) = read_cursor(cursor, LAST)
    position = await log_position(connection, NAME)
    found = await fetch(connection, _file, _FILES, {"before": before, "limit": limit + 1})
    return page_of(found, limit=limit, log_position=position, cursor_of=lambda one: (one.log_position,))


def _row(*, asset: str, scale: int, **columns: Any) -> Withdrawal:
    for name in ("amount", "fee", "withheld", "net"):
        columns[name] = reading.amount(units=columns[name], scale=scale, asset=asset)
    for name, kind in (("rail", Kind), ("bucket", Bucket), ("status", Status)):
        columns[name] = kind(columns[name])
    return Withdrawal(**columns)


def _file(*, total: int, asset: str, scale: int, **columns: Any) -> PayoutFile:
    return PayoutFile(total=reading.amount(units=total, scale=scale, asset=asset), **columns)


def _step_of(*, status: str, **columns: Any) -> Step:
    return Step(status=Status(status), **columns)
