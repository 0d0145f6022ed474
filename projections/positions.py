"""Positions: quantity, cost and gross result per connection, instrument and strategy, and what was charged beside it.

A fee that another position pays is counted there, by that position's own event, and nowhere twice.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from application.log import Recorded
from application.store import Connection
from domain.instruments import parse, portfolio_asset
from domain.money import Amount
from domain.positions.events import (
    CoinsAdopted,
    CoinsReassigned,
    DustRemoved,
    FillCorrected,
    PositionCharged,
    PositionEvent,
    PositionFilled,
)
from domain.positions.position import evolve
from domain.positions.state import FLAT, Position, average_price
from domain.positions.terms import Charge, FeeSource
from projections import connections
from projections.changes import Add, Change
from projections.paging import page_of, read_cursor
from projections.reading import Page, fetch, log_position, where

NAME = "positions"
HANDLES = (PositionFilled, PositionCharged, FillCorrected, CoinsReassigned, CoinsAdopted, DustRemoved)

NO_STRATEGY = "none"


def apply(recorded: Recorded, event: PositionEvent) -> Iterator[Change]:
    """Add up what the event moved. The fold is additive: from flat, it gives the change itself."""
    key = {
        "tenant": recorded.tenant,
        "connection": event.key.connection,
        "instrument": event.key.instrument,
        "strategy": event.key.strategy or NO_STRATEGY,
    }
    moved = evolve(FLAT, event)
    parts = (*event.parts, *event.fee_parts) if isinstance(event, PositionFilled) else event.parts
    realised = sum(part.realised.units for part in parts)
    yield Add("positions", key, {"quantity": moved.quantity, "cost": moved.cost, "realised": realised})
    match event:
        case PositionFilled(fee=fee, fee_source=source) if fee and source is not FeeSource.OTHER_POSITION:
            yield _charged(key, Charge.FEE, fee)
        case PositionCharged(charge=charge, amount=amount):
            yield _charged(key, charge, amount)
        case _:
            pass


def _charged(key: dict[str, str], charge: Charge, amount: Amount) -> Add:
    charges = {**key, "charge": charge.value, "asset": amount.asset.code}
    return Add("position_charges", charges, {"units": amount.units})


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPosition:
    """A position; `average_price` is None when flat. Charges are as paid: a rebate or received funding is negative."""

    connection: str
    instrument: str
    strategy: str | None
    quantity: Amount
    cost: Amount
    realised: Amount
    average_price: Amount | None
    charges: tuple[tuple[Charge, Amount], ...]


_CONDITIONS = {
    "after": "(connection, instrument, strategy) > (%(connection)s, %(instrument)s, %(strategy)s)",
    "user": "connection IN (SELECT id FROM read.connections WHERE user_id = %(user)s)",
    "venue_connection": "connection = %(venue_connection)s",
    "open": "quantity <> 0",
}
_LIST = """
    SELECT connection, instrument, strategy, quantity, cost, realised FROM read.positions
    WHERE {conditions} ORDER BY connection, instrument, strategy LIMIT %(limit)s
"""
_CHARGES = """
    SELECT connection, instrument, strategy, charge, asset, units
    FROM unnest(%(connections)s::text[], %(instruments)s::text[], %(strategies)s::text[])
        AS wanted (connection, instrument, strategy)
    INNER JOIN read.position_charges USING (connection, instrument, strategy)
    ORDER BY charge, asset
"""


async def list_positions(
    connection: Connection,
    *,
    user: str | None = None,
    venue_connection: str | None = None,
    open_only: bool = False,
    limit: int,
    cursor: str | None = None,
) -> Page[HeldPosition]:
    """List positions by connection, instrument and strategy; a user's are those of the user's connections."""
    after = read_cursor(cursor, "", "", "")
    position = await log_position(connection, NAME, *([] if user is None else [connections.NAME]))
    wanted = {"after": after, "user": user, "venue_connection": venue_connection, "open": open_only or None}
    key = dict(zip(("connection", "instrument", "strategy"), after, strict=True))
    query = _LIST.format(conditions=where(_CONDITIONS, wanted))
    rows = await fetch(connection, _row, query, {**wanted, **key, "limit": limit + 1})
    found = await _with_charges(connection, rows)
    return page_of(found, limit=limit, log_position=position, cursor_of=_key)


def _key(held: HeldPosition) -> tuple[str, str, str]:
    return held.connection, held.instrument, held.strategy or NO_STRATEGY


def _row(*, instrument: str, strategy: str, quantity: int, cost: int, realised: int, connection: str) -> HeldPosition:
    traded = parse(instrument)
    return HeldPosition(
        connection=connection,
        instrument=instrument,
        strategy=None if strategy == NO_STRATEGY else strategy,
        quantity=traded.base.amount(quantity),
        cost=traded.quote.amount(cost),
        realised=traded.quote.amount(realised),
        average_price=average_price(Position(quantity=quantity, cost=cost), traded),
        charges=(),
    )


async def _with_charges(connection: Connection, positions: Sequence[HeldPosition]) -> list[HeldPosition]:
    charges: defaultdict[tuple[str, str, str], list[tuple[Charge, Amount]]] = defaultdict(list)
    columns = zip(*map(_key, positions), strict=True) if positions else ((), (), ())
    parameters = dict(zip(("connections", "instruments", "strategies"), map(list, columns), strict=True))
    for row in await fetch(connection, dict[str, Any], _CHARGES, parameters):
        key = row["connection"], row["instrument"], row["strategy"]
        charges[key].append((Charge(row["charge"]), portfolio_asset(row["asset"]).amount(row["units"])))
    return [replace(held, charges=tuple(charges[_key(held)])) for held in positions]
