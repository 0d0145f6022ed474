"""What happened to a position: exact facts. The rules have been applied; folding them is adding them up.

Signs are those of the position: coins in +, out −; `value` is the money that moved against the coins, with their sign.
"""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import OrderId
from domain.money import Amount
from domain.positions.fold import Effect
from domain.positions.terms import Charge, FeeSource, Market, PositionKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One step of a change. `cost` is what the position's cost changes by, `realised` the gross result.

    A part that opens or closes has `cost = value + realised`. A part beyond the position (a spot sale of coins that
    never belonged to it) changes neither its quantity, nor its cost, nor the result.
    """

    effect: Effect
    quantity: Amount
    value: Amount
    cost: Amount
    realised: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionFilled:
    """A fill was booked in one part, or in two where it passed through zero or beyond a spot position.

    `fee_of_closed` is the share of the fee that belongs to what was closed; the rest is total minus that. Where
    `fee_source` is the position itself, `fee_parts` are the sale of the fee's coins at the fill's price; where it is
    another position, that one holds a `PositionCharged`.
    """

    key: PositionKey
    market: Market
    order: OrderId
    trade_id: str
    price: Amount
    parts: tuple[Part, ...]
    fee: Amount
    fee_of_closed: Amount
    fee_source: FeeSource
    fee_parts: tuple[Part, ...]
    liquidation: bool
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionCharged:
    """A charge was booked: paid with coins of the position, sold in `parts` at `price`, or from plain holdings."""

    key: PositionKey
    market: Market
    charge: Charge
    amount: Amount
    price: Amount | None
    parts: tuple[Part, ...]
    source_id: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FillCorrected:
    """The difference of a corrected fill was booked now; nothing after it was run again."""

    key: PositionKey
    market: Market
    trade_id: str
    parts: tuple[Part, ...]
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CoinsReassigned:
    """Coins left the position for `unassigned` at a recorded price."""

    key: PositionKey
    price: Amount
    parts: tuple[Part, ...]
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CoinsAdopted:
    """Coins came into the position from `unassigned` at a recorded price."""

    key: PositionKey
    price: Amount
    parts: tuple[Part, ...]
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DustRemoved:
    """The rest of the position, too small to trade, left it for `unassigned` at cost."""

    key: PositionKey
    parts: tuple[Part, ...]
    occurred_at: datetime


PositionEvent = PositionFilled | PositionCharged | FillCorrected | CoinsReassigned | CoinsAdopted | DustRemoved
