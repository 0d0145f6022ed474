"""Fills: what venues executed, each once, newest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from application.log import Recorded
from application.store import Connection
from domain.instruments import parse, portfolio_asset
from domain.money import Amount
from domain.orders.events import OrderFilled
from domain.orders.terms import Liquidity, Side, Standing
from projections import connections
from projections.changes import Append, Change
from projections.paging import LAST, page_of, read_cursor
from projections.reading import Page, fetch, log_position, where

NAME = "fills"
HANDLES = (OrderFilled,)


def apply(recorded: Recorded, event: OrderFilled) -> Iterator[Change]:
    """Write the fill down."""
    yield Append(
        "fills",
        {
            "tenant": recorded.tenant,
            "log_position": recorded.log_position,
            "order_id": event.order,
            "connection": event.connection,
            "instrument": event.instrument,
            "strategy": event.strategy,
            "side": event.side.value,
            "trade_id": event.trade_id,
            "quantity": event.quantity.units,
            "price": event.price.units,
            "cost": event.cost.units,
            "fee": event.fee.units,
            "fee_asset": event.fee.asset.code,
            "liquidity": event.liquidity.value,
            "standing": event.standing.value,
            "occurred_at": event.occurred_at,
            "recorded_at": recorded.recorded_at,
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """A fill; `cost` is its quote value without fee, a rebate is a negative fee."""

    log_position: int
    order: str
    connection: str
    instrument: str
    strategy: str | None
    side: Side
    trade_id: str
    quantity: Amount
    price: Amount
    cost: Amount
    fee: Amount
    liquidity: Liquidity
    standing: Standing
    occurred_at: datetime
    recorded_at: datetime


_CONDITIONS = {
    "before": "log_position < %(before)s",
    "user": "connection IN (SELECT id FROM read.connections WHERE user_id = %(user)s)",
    "venue_connection": "connection = %(venue_connection)s",
    "order": "order_id = %(order)s",
}
_LIST = """
    SELECT log_position, order_id AS order, connection, instrument, strategy, side, trade_id, quantity, price, cost,
        fee, fee_asset, liquidity, standing, occurred_at, recorded_at
    FROM read.fills WHERE {conditions} ORDER BY log_position DESC LIMIT %(limit)s
"""


async def list_fills(
    connection: Connection,
    *,
    user: str | None = None,
    venue_connection: str | None = None,
    order: str | None = None,
    limit: int,
    cursor: str | None = None,
) -> Page[Fill]:
    """List fills, newest first; a user's are those of the user's connections."""
    (before,) = read_cursor(cursor, LAST)
    position = await log_position(connection, NAME, *([] if user is None else [connections.NAME]))
    wanted = {"before": before, "user": user, "venue_connection": venue_connection, "order": order}
    query = _LIST.format(conditions=where(_CONDITIONS, wanted))
    found = await fetch(connection, _row, query, {**wanted, "limit": limit + 1})
    return page_of(found, limit=limit, log_position=position, cursor_of=lambda fill: (fill.log_position,))


def _row(**columns: Any) -> Fill:
    traded, fee_asset = parse(columns["instrument"]), portfolio_asset(columns.pop("fee_asset"))
    sizes = (("quantity", traded.base), ("price", traded.quote), ("cost", traded.quote), ("fee", fee_asset))
    for name, asset in sizes:
        columns[name] = asset.amount(columns[name])
    for name, kind in (("side", Side), ("liquidity", Liquidity), ("standing", Standing)):
        columns[name] = kind(columns[name])
    return Fill(**columns)
