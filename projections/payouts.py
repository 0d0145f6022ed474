"""Payouts: our money on its way from providers to banks. Newest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from application.log import Recorded
from application.store import Connection
from domain.funding.payout import PayoutArrived, PayoutCreated, PayoutEvent, PayoutFailed, Status
from domain.money import Amount
from projections.changes import Change, Put, Row
from projections.paging import LAST, page_of, read_cursor
from projections.reading import Page, amount, fetch, log_position

NAME = "payouts"
HANDLES = (PayoutCreated, PayoutArrived, PayoutFailed)


def apply(recorded: Recorded, event: PayoutEvent) -> Iterator[Change]:
    """Begin a payout, or say where it stands."""
    key = {"tenant": recorded.tenant, "id": event.payout}
    match event:
        case PayoutCreated():
            yield Put("payouts", key, _created(recorded, event))
        case PayoutArrived():
            yield Put("payouts", key, {"status": Status.ARRIVED.value})
        case PayoutFailed(reason=reason):
            said = reason.replace("\0", "\N{REPLACEMENT CHARACTER}")
            yield Put("payouts", key, {"status": Status.FAILED.value, "reason": said})
        case _:
            assert_never(event)


def _created(recorded: Recorded, event: PayoutCreated) -> Row:
    return {
        "provider": event.provider,
        "bank": event.bank,
        "object": event.object,
        "status": Status.IN_TRANSIT.value,
        "units": event.amount.units,
        "scale": event.amount.asset.scale,
        "asset": event.amount.asset.code,
        "occurred_at": event.occurred_at,
        "recorded_at": recorded.recorded_at,
        "log_position": recorded.log_position,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """A payout; `object` is the provider's name for it, `reason` is why it failed."""

    id: str
    provider: str
    bank: str
    object: str
    status: Status
    reason: str | None
    amount: Amount
    occurred_at: datetime
    recorded_at: datetime
    log_position: int


_LIST = """
    SELECT id, provider, bank, object, status, reason, units, scale, asset, occurred_at, recorded_at, log_position
    FROM read.payouts WHERE log_position < %(before)s ORDER BY log_position DESC LIMIT %(limit)s
"""


async def list_payouts(connection: Connection, *, limit: int, cursor: str | None = None) -> Page[Payout]:
    """List payouts, newest first."""
    (before,) = read_cursor(cursor, LAST)
    position = await log_position(connection, NAME)
    found = await fetch(connection, _row, _LIST, {"before": before, "limit": limit + 1})
    return page_of(found, limit=limit, log_position=position, cursor_of=lambda one: (one.log_position,))


def _row(*, units: int, scale: int, asset: str, status: str, **columns: Any) -> Payout:
    return Payout(amount=amount(units=units, scale=scale, asset=asset), status=Status(status), **columns)
