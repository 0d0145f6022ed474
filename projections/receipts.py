"""Receipts at the bank: what came in without a name, and whose it turned out to be. Newest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from application.log import Recorded
from application.store import Connection
from domain.funding.receipt import ReceiptEvent, ReceiptIdentified, ReceiptRecorded
from domain.money import Amount
from projections.changes import Change, Put, Row
from projections.paging import LAST, page_of, read_cursor
from projections.reading import Page, amount, fetch, log_position, where

NAME = "receipts"
HANDLES = (ReceiptRecorded, ReceiptIdentified)


def apply(recorded: Recorded, event: ReceiptEvent) -> Iterator[Change]:
    """Begin a receipt, or say whose it is."""
    key = {"tenant": recorded.tenant, "id": event.receipt}
    match event:
        case ReceiptRecorded():
            yield Put("receipts", key, _begun(recorded, event))
        case ReceiptIdentified(user=user, by=by):
            yield Put("receipts", key, {"user_id": user, "identified_by": by})
        case _:
            assert_never(event)


def _begun(recorded: Recorded, event: ReceiptRecorded) -> Row:
    return {
        "bank": event.bank,
        "line": event.line,
        "units": event.amount.units,
        "scale": event.amount.asset.scale,
        "asset": event.amount.asset.code,
        "recorded_by": event.by,
        "occurred_at": event.occurred_at,
        "recorded_at": recorded.recorded_at,
        "log_position": recorded.log_position,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A receipt; `user` is whose it is, None as long as nobody knows."""

    id: str
    bank: str
    line: str
    user: str | None
    amount: Amount
    recorded_by: str
    identified_by: str | None
    occurred_at: datetime
    recorded_at: datetime
    log_position: int


_LIST = """
    SELECT id, bank, line, user_id AS user, units, scale, asset, recorded_by, identified_by, occurred_at, recorded_at,
        log_position
    FROM read.receipts WHERE {conditions} ORDER BY log_position DESC LIMIT %(limit)s
"""
_CONDITIONS = {"before": "log_position < %(before)s", "unidentified": "user_id IS NULL"}


async def list_receipts(
    connection: Connection, *, unidentified_only: bool = False, limit: int, cursor: str | None = None
) -> Page[Receipt]:
    """List receipts, or those of which nobody knows whose they are, newest first."""
    (before,) = read_cursor(cursor, LAST)
    position = await log_position(connection, NAME)
    wanted = {"before": before, "unidentified": unidentified_only or None}
    query = _LIST.format(conditions=where(_CONDITIONS, wanted))
    found = await fetch(connection, _row, query, {**wanted, "limit": limit + 1})
    return page_of(found, limit=limit, log_position=position, cursor_of=lambda one: (one.log_position,))


def _row(*, units: int, scale: int, asset: str, **columns: Any) -> Receipt:
    return Receipt(amount=amount(units=units, scale=scale, asset=asset), **columns)
