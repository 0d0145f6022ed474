"""What can be booked on a position. Amounts are of the portfolio realm; a price is quote for one coin of base."""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import OrderId
from domain.money import Amount
from domain.orders.terms import Side
from domain.positions.state import FLAT, Position
from domain.positions.terms import Charge, Market, PositionKey


@dataclass(frozen=True, slots=True, kw_only=True)
class BookFill:
    """Book a fill of an order: `cost` is its quote value, `fee` is signed, a rebate negative.

    `fee_position` is the position `<fee asset>-<quote>` of the same connection and strategy (see `fee_key`), and
    `fee_price` the recorded price of the fee's asset in quote; without a price the fee is paid from plain holdings.
    """

    key: PositionKey
    market: Market
    order: OrderId
    trade_id: str
    side: Side
    quantity: Amount
    price: Amount
    cost: Amount
    fee: Amount
    fee_position: Position = FLAT
    fee_price: Amount | None = None
    liquidation: bool = False
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BookCharge:
    """Book a fee, interest, funding or a loss the venue bore (below zero) beside a trade.

    `price` is the recorded price of the base, needed where the charge is in base and the position pays it.
    `source_id` is the venue's name of the fact.
    """

    key: PositionKey
    market: Market
    charge: Charge
    amount: Amount
    price: Amount | None
    source_id: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectFill:
    """Book the difference a venue's correction of a fill makes: right minus booked, of the signed quantity and cost.

    A purchase of 1 for 100 that was 0.9 for 90 is −0.1 and −10; a sale of 1 that brought 101 and not 100 is 0 and −1.
    """

    key: PositionKey
    market: Market
    trade_id: str
    quantity: Amount
    cost: Amount
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReassignCoins:
    """Take coins out of a long position at a recorded price: spent on another pair, or moved to another strategy."""

    key: PositionKey
    market: Market
    quantity: Amount
    price: Amount
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptCoins:
    """Take coins that belong to no position into this one, at a recorded price."""

    key: PositionKey
    market: Market
    quantity: Amount
    price: Amount
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveDust:
    """Let go, at cost, of what is left of a position when it is less than the venue's lot size and cannot be traded."""

    key: PositionKey
    market: Market
    lot_size: Amount
    occurred_at: datetime


PositionCommand = BookFill | BookCharge | CorrectFill | ReassignCoins | AdoptCoins | RemoveDust
