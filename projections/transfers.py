"""Transfers between users, as both sides see them. Newest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from application.log import Recorded
from application.store import Connection
from domain.money import Amount
from domain.transfers import TransferMade
from projections.changes import Append, Change
from projections.paging import LAST, page_of, read_cursor
from projections.reading import Page, amount, fetch, log_position

NAME = "transfers"
HANDLES = (TransferMade,)


def apply(recorded: Recorded, event: TransferMade) -> Iterator[Change]:
    """Add a transfer."""
    yield Append(
        "transfers",
        {
            "tenant": recorded.tenant,
            "id": event.transfer,
            "sender": event.sender,
            "recipient": event.recipient,
            "units": event.amount.units,
            "scale": event.amount.asset.scale,
            "asset": event.amount.asset.code,
            "note": event.note.replace("\0", "\N{REPLACEMENT CHARACTER}"),
            "occurred_at": event.occurred_at,
            "recorded_at": recorded.recorded_at,
            "log_position": recorded.log_position,
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A transfer from one user to another."""

    id: str
    sender: str
    recipient: str
    amount: Amount
    note: str
    occurred_at: datetime
    recorded_at: datetime
    log_position: int


_LIST = """
    SELECT id, sender, recipient, units, scale, asset, note, occurred_at, recorded_at, log_position
    FROM read.transfers
    WHERE log_position < %(before)s AND (%(user)s::text IS NULL OR %(user)s IN (sender, recipient))
    ORDER BY log_position DESC LIMIT %(limit)s
"""


async def list_transfers(
    connection: Connection, *, user: str | None, limit: int, cursor: str | None = None
) -> Page[Transfer]:
    """List transfers that a user sent or received, or all of the tenant; newest first."""
    (before,) = read_cursor(cursor, LAST)
    position = await log_position(connection, NAME)
    found = await fetch(connection, _row, _LIST, {"before": before, "user": user, "limit": limit + 1})
    return page_of(found, limit=limit, log_position=position, cursor_of=lambda one: (one.log_position,))


def _row(*, units: int, scale: int, asset: str, **columns: Any) -> Transfer:
    return Transfer(amount=amount(units=units, scale=scale, asset=asset), **columns)
