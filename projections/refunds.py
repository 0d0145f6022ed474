"""Refunds: what goes back of deposits, and where each stands. Newest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from application.log import Recorded
from application.store import Connection
from domain.funding.refund import (
    RefundAccepted,
    RefundEvent,
    RefundFailed,
    RefundOutcomeUnknown,
    RefundRequested,
    RefundSettled,
    Status,
    UnknownRefund,
)
from domain.money import Amount
from projections.changes import Change, Put, Row
from projections.paging import LAST, page_of, read_cursor
from projections.reading import Answer, Page, amount, fetch, log_position, where

NAME = "refunds"
HANDLES = (RefundRequested, RefundOutcomeUnknown, RefundAccepted, RefundSettled, RefundFailed)


def apply(recorded: Recorded, event: RefundEvent) -> Iterator[Change]:
    """Begin a refund, or say where it stands."""
    key = {"tenant": recorded.tenant, "id": event.refund}
    match event:
        case RefundRequested():
            yield Put("refunds", key, _requested(recorded, event))
        case RefundOutcomeUnknown():
            yield Put("refunds", key, {"status": Status.PENDING_PROVIDER.value})
        case RefundAccepted():
            yield Put("refunds", key, {"status": Status.PENDING.value})
        case RefundSettled():
            yield Put("refunds", key, {"status": Status.SETTLED.value})
        case RefundFailed(reason=reason):
            said = reason.replace("\0", "\N{REPLACEMENT CHARACTER}")
            yield Put("refunds", key, {"status": Status.FAILED.value, "reason": said})
        case _:
            assert_never(event)


def _requested(recorded: Recorded, event: RefundRequested) -> Row:
    return {
        "deposit": event.deposit,
        "user_id": event.user,
        "provider": event.provider,
        "status": Status.REQUESTED.value,
        "units": event.amount.units,
        "scale": event.amount.asset.scale,
        "asset": event.amount.asset.code,
        "requested_by": event.by,
        "occurred_at": event.occurred_at,
        "recorded_at": recorded.recorded_at,
        "log_position": recorded.log_position,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """A refund; `requested_by` decided on it, `reason` is why it failed."""

    id: str
    deposit: str
    user: str
    provider: str
    status: Status
    reason: str | None
    amount: Amount
    requested_by: str
    occurred_at: datetime
    recorded_at: datetime
    log_position: int


_COLUMNS = """
    id, deposit, user_id AS user, provider, status, reason, units, scale, asset, requested_by, occurred_at,
    recorded_at, log_position
"""
_ONE = f"SELECT {_COLUMNS} FROM read.refunds WHERE id = %(id)s"
_LIST = "SELECT {columns} FROM read.refunds WHERE {conditions} ORDER BY log_position DESC LIMIT %(limit)s"
_CONDITIONS = {"before": "log_position < %(before)s", "user": "user_id = %(user)s", "deposit": "deposit = %(deposit)s"}


async def get_refund(connection: Connection, refund: str) -> Answer[Refund]:
    """Return one refund, whosever it is. Raises `UnknownRefund`."""
    position = await log_position(connection, NAME)
    found = await fetch(connection, _row, _ONE, {"id": refund})
    if not found:
        raise UnknownRefund
    return Answer(found[0], position)


async def list_refunds(
    connection: Connection,
    *,
    user: str | None = None,
    deposit: str | None = None,
    limit: int,
    cursor: str | None = None,
) -> Page[Refund]:
    """List refunds of a user, of a deposit, or all, newest first."""
    (before,) = read_cursor(cursor, LAST)
    position = await log_position(connection, NAME)
    wanted = {"before": before, "user": user, "deposit": deposit}
    query = _LIST.format(columns=_COLUMNS, conditions=where(_CONDITIONS, wanted))
    found = await fetch(connection, _row, query, {**wanted, "limit": limit + 1})
    return page_of(found, limit=limit, log_position=position, cursor_of=lambda one: (one.log_position,))


def _row(*, units: int, scale: int, asset: str, status: str, **columns: Any) -> Refund:
    return Refund(amount=amount(units=units, scale=scale, asset=asset), status=Status(status), **columns)
