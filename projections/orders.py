"""Orders: what was asked for, where each stands, and what was filled of it. Newest first."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, assert_never

from application.log import Recorded
from application.store import Connection
from domain.instruments import parse, portfolio_asset
from domain.money import Amount
from domain.orders.errors import UnknownOrder
from domain.orders.events import (
    OrderAccepted,
    OrderCanceled,
    OrderDenied,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderInitialized,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderSubmitted,
)
from domain.orders.terms import OrderType, Side
from domain.orders.transitions import Status
from projections.changes import Add, Change, Put, Row
from projections.paging import LAST, page_of, read_cursor
from projections.reading import Answer, Page, fetch, log_position, where

NAME = "orders"
HANDLES = (
    OrderInitialized, OrderDenied, OrderSubmitted, OrderOutcomeUnknown, OrderAccepted, OrderRejected, OrderCanceled,
    OrderExpired, OrderFilled,
)  # fmt: skip


def apply(recorded: Recorded, event: OrderEvent) -> Iterator[Change]:
    """Begin an order, or set what the event says of it."""
    key = {"tenant": recorded.tenant, "id": event.order}
    match event:
        case OrderInitialized():
            yield Put("orders", key, _placed(recorded, event))
        case OrderDenied(code=code):
            yield Put("orders", key, {"status": Status.DENIED.value, "reason": code})
        case OrderSubmitted():
            yield Put("orders", key, {"status": Status.SUBMITTED.value})
        case OrderOutcomeUnknown():
            yield Put("orders", key, {"uncertain": True})
        case OrderAccepted(venue_order=venue_order):
            yield _settled(key, Status.ACCEPTED, {"venue_order": venue_order})
        case OrderRejected(reason=reason):
            yield _settled(key, Status.REJECTED, {"reason": _storable(reason)})
        case OrderCanceled():
            yield _settled(key, Status.CANCELED)
        case OrderExpired():
            yield _settled(key, Status.EXPIRED)
        case OrderFilled():
            yield _settled(key, event.status)
            yield Add("orders", key, {"filled": event.quantity.units, "cost": event.cost.units})
            if event.fee:
                fee = {"tenant": recorded.tenant, "order_id": event.order, "asset": event.fee.asset.code}
                yield Add("order_fees", fee, {"units": event.fee.units})
        case _:
            assert_never(event)


def _placed(recorded: Recorded, event: OrderInitialized) -> Row:
    return {
        "user_id": event.user,
        "connection": event.connection,
        "instrument": event.instrument,
        "strategy": event.strategy,
        "side": event.side.value,
        "type": event.type.value,
        "quantity": None if event.quantity is None else event.quantity.units,
        "quote_amount": None if event.quote_amount is None else event.quote_amount.units,
        "status": Status.NEW.value,
        "uncertain": False,
        "filled": 0,
        "cost": 0,
        "occurred_at": event.occurred_at,
        "recorded_at": recorded.recorded_at,
        "log_position": recorded.log_position,
    }


def _settled(key: Row, status: Status, more: Row | None = None) -> Put:
    """Whatever the venue says ends the doubt about what it does."""
    return Put("orders", key, {"status": status.value, "uncertain": False, **(more or {})})


def _storable(text: str) -> str:
    """Replace the one character that PostgreSQL's text cannot hold: a venue may say anything."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order; `reason` is the code or the words of a refusal, `fees` are per asset, a rebate negative."""

    id: str
    user: str
    connection: str
    instrument: str
    strategy: str | None
    side: Side
    type: OrderType
    quantity: Amount | None
    quote_amount: Amount | None
    status: Status
    uncertain: bool
    reason: str | None
    venue_order: str | None
    filled: Amount
    cost: Amount
    fees: tuple[Amount, ...]
    occurred_at: datetime
    recorded_at: datetime
    log_position: int


_COLUMNS = """
    id, user_id AS user, connection, instrument, strategy, side, type, quantity, quote_amount, status, uncertain,
    reason, venue_order, filled, cost, occurred_at, recorded_at, log_position
"""
_ONE = f"SELECT {_COLUMNS} FROM read.orders WHERE id = %(id)s"
_LIST = "SELECT {columns} FROM read.orders WHERE {conditions} ORDER BY log_position DESC LIMIT %(limit)s"
_CONDITIONS = {
    "before": "log_position < %(before)s",
    "user": "user_id = %(user)s",
    "venue_connection": "connection = %(venue_connection)s",
}
_FEES = "SELECT order_id, asset, units FROM read.order_fees WHERE order_id = ANY(%(orders)s) ORDER BY order_id, asset"


async def get_order(connection: Connection, order: str) -> Answer[Order]:
    """Return one order, whosever it is. Raises `UnknownOrder`."""
    position = await log_position(connection, NAME)
    found = await _with_fees(connection, await fetch(connection, _row, _ONE, {"id": order}))
    if not found:
        raise UnknownOrder
    return Answer(found[0], position)


async def list_orders(
    connection: Connection,
    *,
    user: str | None = None,
    venue_connection: str | None = None,
    limit: int,
    cursor: str | None = None,
) -> Page[Order]:
    """List orders of a user or of a connection to a venue, or all, newest first."""
    (before,) = read_cursor(cursor, LAST)
    position = await log_position(connection, NAME)
    wanted = {"before": before, "user": user, "venue_connection": venue_connection}
    query = _LIST.format(columns=_COLUMNS, conditions=where(_CONDITIONS, wanted))
    rows = await fetch(connection, _row, query, {**wanted, "limit": limit + 1})
    found = await _with_fees(connection, rows)
    return page_of(found, limit=limit, log_position=position, cursor_of=lambda order: (order.log_position,))


def _row(**columns: Any) -> Order:
    traded = parse(columns["instrument"])
    sizes = (("quantity", traded.base), ("filled", traded.base), ("quote_amount", traded.quote), ("cost", traded.quote))
    for name, asset in sizes:
        units = columns[name]
        columns[name] = None if units is None else asset.amount(units)
    for name, kind in (("side", Side), ("type", OrderType), ("status", Status)):
        columns[name] = kind(columns[name])
    return Order(**columns, fees=())


async def _with_fees(connection: Connection, orders: Sequence[Order]) -> list[Order]:
    fees: defaultdict[str, list[Amount]] = defaultdict(list)
    for row in await fetch(connection, dict[str, Any], _FEES, {"orders": [order.id for order in orders]}):
        fees[row["order_id"]].append(portfolio_asset(row["asset"]).amount(row["units"]))
    return [replace(order, fees=tuple(fees[order.id])) for order in orders]
