"""Deposits: where each stands and has stood, and what of it has gone back. Newest first."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, assert_never

from application.log import Recorded
from application.store import Connection
from domain.funding.deposit_events import (
    DepositCancelled,
    DepositEvent,
    DepositFailed,
    DepositOutcomeUnknown,
    DepositPaymentCreated,
    DepositRequested,
    DepositReturnReleased,
    DepositReturnReserved,
    DepositSettled,
    Status,
    UnknownDeposit,
)
from domain.money import Amount
from projections.changes import NOTHING, Add, Append, Change, Put, Row
from projections.paging import LAST, page_of, read_cursor
from projections.reading import Answer, Page, amount, fetch, log_position, where

NAME = "deposits"
HANDLES = (
    DepositRequested, DepositOutcomeUnknown, DepositPaymentCreated, DepositSettled, DepositFailed, DepositCancelled,
    DepositReturnReserved, DepositReturnReleased,
)  # fmt: skip


def apply(recorded: Recorded, event: DepositEvent) -> Iterator[Change]:
    """Begin a deposit, say where it stands, or count what goes back."""
    key = {"tenant": recorded.tenant, "id": event.deposit}
    match event:
        case DepositRequested():
            yield Put("deposits", key, _requested(recorded, event))
            yield _stood(recorded, event, Status.REQUESTED)
        case DepositOutcomeUnknown():
            yield from _stands(recorded, event, Status.PENDING_PROVIDER)
        case DepositPaymentCreated(payment=payment):
            yield from _stands(recorded, event, Status.PENDING, {"payment": payment})
        case DepositSettled():
            yield from _stands(recorded, event, Status.SETTLED, _settled(event))
        case DepositFailed(reason=reason):
            yield from _stands(recorded, event, Status.FAILED, {"reason": _storable(reason)})
        case DepositCancelled(reason=reason):
            yield from _stands(recorded, event, Status.CANCELLED, {"reason": _storable(reason)})
        case DepositReturnReserved(amount=returned):
            yield Add("deposits", key, {"returned": returned.units})
        case DepositReturnReleased(amount=returned):
            yield Add("deposits", key, {"returned": -returned.units})
        case _:
            assert_never(event)


_Dated = (
    DepositRequested | DepositOutcomeUnknown | DepositPaymentCreated | DepositSettled | DepositFailed | DepositCancelled
)


def _requested(recorded: Recorded, event: DepositRequested) -> Row:
    return {
        "user_id": event.user,
        "provider": event.provider,
        "status": Status.REQUESTED.value,
        "units": event.amount.units,
        "scale": event.amount.asset.scale,
        "asset": event.amount.asset.code,
        "returned": 0,
        "occurred_at": event.occurred_at,
        "recorded_at": recorded.recorded_at,
        "log_position": recorded.log_position,
    }


def _settled(event: DepositSettled) -> Row:
    return {
        "payment": event.payment,
        "reason": None,
        "settled_units": event.settled.units,
        "fee_units": event.fee.units,
        "settled_scale": event.settled.asset.scale,
        "settled_asset": event.settled.asset.code,
    }


def _stands(recorded: Recorded, event: _Dated, status: Status, more: Row = NOTHING) -> Iterator[Change]:  # noqa: PLR0917 - in the order of a sentence
    yield Put("deposits", {"tenant": recorded.tenant, "id": event.deposit}, {"status": status.value, **more})
    yield _stood(recorded, event, status, reason=more.get("reason"))


def _stood(recorded: Recorded, event: _Dated, status: Status, *, reason: Any = None) -> Append:
    return Append(
        "deposit_history",
        {
            "tenant": recorded.tenant,
            "log_position": recorded.log_position,
            "deposit": event.deposit,
            "status": status.value,
            "reason": reason,
            "occurred_at": event.occurred_at,
            "recorded_at": recorded.recorded_at,
        },
    )


def _storable(text: str) -> str:
    """Replace the one character that PostgreSQL's text cannot hold: a provider may say anything."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stood:
    """Where a deposit stood from an instant on, and why where somebody said so."""

    status: Status
    reason: str | None
    occurred_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """A deposit; `settled` and `fee` are what the provider booked and kept, once it did. One alone has its history."""

    id: str
    user: str
    provider: str
    payment: str | None
    status: Status
    reason: str | None
    amount: Amount
    returned: Amount
    settled: Amount | None
    fee: Amount | None
    occurred_at: datetime
    recorded_at: datetime
    log_position: int
    history: tuple[Stood, ...] = ()


_COLUMNS = """
    id, user_id AS user, provider, payment, status, reason, units, scale, asset, returned, settled_units, fee_units,
    settled_scale, settled_asset, occurred_at, recorded_at, log_position
"""
_ONE = f"SELECT {_COLUMNS} FROM read.deposits WHERE id = %(id)s"
_LIST = "SELECT {columns} FROM read.deposits WHERE {conditions} ORDER BY log_position DESC LIMIT %(limit)s"
_CONDITIONS = {"before": "log_position < %(before)s", "user": "user_id = %(user)s", "status": "status = %(status)s"}
_HISTORY = """
    SELECT status, reason, occurred_at, recorded_at FROM read.deposit_history WHERE deposit = %(id)s
    ORDER BY log_position
"""


async def get_deposit(connection: Connection, deposit: str) -> Answer[Deposit]:
    """Return one deposit with where it has stood, whosever it is. Raises `UnknownDeposit`."""
    position = await log_position(connection, NAME)
    found = await fetch(connection, _row, _ONE, {"id": deposit})
    if not found:
        raise UnknownDeposit
    history = await fetch(connection, _stood_row, _HISTORY, {"id": deposit})
    return Answer(replace(found[0], history=tuple(history)), position)


async def list_deposits(
    connection: Connection,
    *,
    user: str | None = None,
    status: str | None = None,
    limit: int,
    cursor: str | None = None,
) -> Page[Deposit]:
    """List deposits of a user or of all, newest first, without their histories."""
    (before,) = read_cursor(cursor, LAST)
    position = await log_position(connection, NAME)
    wanted = {"before": before, "user": user, "status": status}
    query = _LIST.format(columns=_COLUMNS, conditions=where(_CONDITIONS, wanted))
    found = await fetch(connection, _row, query, {**wanted, "limit": limit + 1})
    return page_of(found, limit=limit, log_position=position, cursor_of=lambda one: (one.log_position,))


def _row(**columns: Any) -> Deposit:
    asset, scale = columns.pop("asset"), columns.pop("scale")
    settled_asset, settled_scale = columns.pop("settled_asset"), columns.pop("settled_scale")
    for name, source in (("amount", "units"), ("returned", "returned")):
        columns[name] = amount(units=columns.pop(source), scale=scale, asset=asset)
    for name in ("settled", "fee"):
        units = columns.pop(f"{name}_units")
        columns[name] = None if units is None else amount(units=units, scale=settled_scale, asset=settled_asset)
    return Deposit(**{**columns, "status": Status(columns["status"])})


def _stood_row(*, status: str, **columns: Any) -> Stood:
    return Stood(status=Status(status), **columns)
