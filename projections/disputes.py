"""Disputes: what payers want back of deposits, and how each was decided. Newest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from application.log import Recorded
from application.store import Connection
from domain.funding.dispute import DisputeChargedBack, DisputeEvent, DisputeLost, DisputeOpened, DisputeWon, Status
from domain.money import Amount
from projections.changes import Change, Put, Row
from projections.paging import LAST, page_of, read_cursor
from projections.reading import Page, amount, fetch, log_position, where

NAME = "disputes"
HANDLES = (DisputeOpened, DisputeChargedBack, DisputeWon, DisputeLost)


def apply(recorded: Recorded, event: DisputeEvent) -> Iterator[Change]:
    """Begin a dispute, or say where it stands."""
    key = {"tenant": recorded.tenant, "id": event.dispute}
    match event:
        case DisputeOpened():
            yield Put("disputes", key, _opened(recorded, event))
        case DisputeChargedBack():
            yield Put("disputes", key, {"status": Status.CHARGED_BACK.value})
        case DisputeWon():
            yield Put("disputes", key, {"status": Status.WON.value})
        case DisputeLost():
            yield Put("disputes", key, {"status": Status.LOST.value})
        case _:
            assert_never(event)


def _opened(recorded: Recorded, event: DisputeOpened) -> Row:
    return {
        "deposit": event.deposit,
        "user_id": event.user,
        "provider": event.provider,
        "object": event.object,
        "status": Status.OPEN.value,
        "reason": event.reason.replace("\0", "\N{REPLACEMENT CHARACTER}"),
        "units": event.amount.units,
        "scale": event.amount.asset.scale,
        "asset": event.amount.asset.code,
        "occurred_at": event.occurred_at,
        "recorded_at": recorded.recorded_at,
        "log_position": recorded.log_position,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A dispute; `object` is the provider's name for it, `reason` the payer's."""

    id: str
    deposit: str
    user: str
    provider: str
    object: str
    status: Status
    reason: str
    amount: Amount
    occurred_at: datetime
    recorded_at: datetime
    log_position: int


_LIST = """
    SELECT id, deposit, user_id AS user, provider, object, status, reason, units, scale, asset, occurred_at,
        recorded_at, log_position
    FROM read.disputes WHERE {conditions} ORDER BY log_position DESC LIMIT %(limit)s
"""
_CONDITIONS = {"before": "log_position < %(before)s", "status": "status = %(status)s"}


async def list_disputes(
    connection: Connection, *, status: str | None = None, limit: int, cursor: str | None = None
) -> Page[Dispute]:
    """List disputes, newest first."""
    (before,) = read_cursor(cursor, LAST)
    position = await log_position(connection, NAME)
    wanted = {"before": before, "status": status}
    query = _LIST.format(conditions=where(_CONDITIONS, wanted))
    found = await fetch(connection, _row, query, {**wanted, "limit": limit + 1})
    return page_of(found, limit=limit, log_position=position, cursor_of=lambda one: (one.log_position,))


def _row(*, units: int, scale: int, asset: str, status: str, **columns: Any) -> Dispute:
    return Dispute(amount=amount(units=units, scale=scale, asset=asset), status=Status(status), **columns)
