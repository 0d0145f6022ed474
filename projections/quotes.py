"""Quotes: what users were offered for an amount, and whether they took it. Newest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from application.log import Recorded
from application.store import Connection
from domain.exchange.quote import QuoteAccepted, QuoteMade
from domain.money import Amount
from projections.changes import Change, Put, Row
from projections.paging import LAST, page_of, read_cursor
from projections.reading import Page, amount, fetch, log_position

NAME = "quotes"
HANDLES = (QuoteMade, QuoteAccepted)

_PARTS = ("sold", "gross", "spread", "tax", "net")


def apply(recorded: Recorded, event: QuoteMade | QuoteAccepted) -> Iterator[Change]:
    """Add an offer, or say that it was taken."""
    key = {"tenant": recorded.tenant, "id": event.quote}
    match event:
        case QuoteMade():
            yield Put("quotes", key, _made(recorded, event))
        case QuoteAccepted(occurred_at=occurred_at):
            yield Put("quotes", key, {"accepted_at": occurred_at})
        case _:
            assert_never(event)


def _made(recorded: Recorded, event: QuoteMade) -> Row:
    parts = {"sold": event.sold, "gross": event.gross, "spread": event.spread, "tax": event.tax, "net": event.net}
    return {
        "user_id": event.user,
        **{f"{name}_units": part.units for name, part in parts.items()},
        "sold_scale": event.sold.asset.scale,
        "sold_asset": event.sold.asset.code,
        "net_scale": event.net.asset.scale,
        "net_asset": event.net.asset.code,
        "price_units": event.price.units,
        "price_scale": event.price.asset.scale,
        "rate_of": event.rate_of,
        "expires_at": event.expires_at,
        "occurred_at": event.occurred_at,
        "recorded_at": recorded.recorded_at,
        "log_position": recorded.log_position,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedQuote:
    """An offer; `accepted_at` is when it was taken, and null where it was not."""

    id: str
    user: str
    sold: Amount
    gross: Amount
    spread: Amount
    tax: Amount
    net: Amount
    price: Amount
    rate_of: datetime
    expires_at: datetime
    accepted_at: datetime | None
    occurred_at: datetime
    recorded_at: datetime
    log_position: int


_LIST = """
    SELECT id, user_id, sold_units, gross_units, spread_units, tax_units, net_units, sold_scale, sold_asset, net_scale,
        net_asset, price_units, price_scale, rate_of, expires_at, accepted_at, occurred_at, recorded_at, log_position
    FROM read.quotes WHERE log_position < %(before)s AND (%(user)s::text IS NULL OR user_id = %(user)s)
    ORDER BY log_position DESC LIMIT %(limit)s
"""


async def list_quotes(
    connection: Connection, *, user: str | None, limit: int, cursor: str | None = None
) -> Page[ListedQuote]:
    """List a user's quotes, or all of the tenant; newest first."""
    (before,) = read_cursor(cursor, LAST)
    position = await log_position(connection, NAME)
    found = await fetch(connection, _row, _LIST, {"before": before, "user": user, "limit": limit + 1})
    return page_of(found, limit=limit, log_position=position, cursor_of=lambda one: (one.log_position,))


def _row(**columns: Any) -> ListedQuote:
    sold = {"scale": columns.pop("sold_scale"), "asset": columns.pop("sold_asset")}
    net = {"scale": columns.pop("net_scale"), "asset": columns.pop("net_asset")}
    for name in _PARTS:
        columns[name] = amount(units=columns.pop(f"{name}_units"), **(sold if name == "sold" else net))
    columns["price"] = amount(units=columns.pop("price_units"), scale=columns.pop("price_scale"), asset=net["asset"])
    return ListedQuote(user=columns.pop("user_id"), **columns)
