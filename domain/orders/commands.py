"""What can be asked of an order, and what the gateway reports about it. Amounts are of the portfolio realm."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.ids import ConnectionId, OrderId, UserId
from domain.instruments import InstrumentId
from domain.money import Amount
from domain.orders.terms import Liquidity, OrderType, Side, StrategyId


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """Put an order on record before anything is sent. Exactly one of `quantity` (base) and `quote_amount` is given.

    `at_candle` is the moment a paper order asks for; None means the last candle.
    """

    order: OrderId
    user: UserId
    connection: ConnectionId
    instrument: InstrumentId
    strategy: StrategyId | None
    side: Side
    type: OrderType
    quantity: Amount | None
    quote_amount: Amount | None
    occurred_at: datetime
    at_candle: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DenyOrder:
    """Refuse an order ourselves, before it is sent, with the numbers that led to it."""

    code: str
    context: Mapping[str, str]
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitOrder:
    """Claim the sending: only the process whose `OrderSubmitted` was appended may send, before the deadline."""

    epoch: int
    deadline: datetime
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOutcomeUnknown:
    """The request left us and no answer can be trusted: timeout, 5xx, disconnect, unparsable."""

    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAccepted:
    """The venue has taken the order. `venue_order` is its name there, where the venue gives one."""

    venue_order: str | None = None
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRejected:
    """The venue has definitively refused the order."""

    reason: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCanceled:
    """The venue has ended the order, with whatever was filled."""

    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordExpired:
    """The order's time at the venue has run out, with whatever was filled."""

    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFill:
    """The venue has executed the order or a part of it.

    `cost` is the venue's own quote value, None where it gives none; `fee` is signed, a rebate negative, in any asset.
    `completes` says that the venue holds nothing of the order open any more: for an order sized by a quote amount, or
    cut to a lot size, only the venue knows.
    """

    trade_id: str
    quantity: Amount
    price: Amount
    cost: Amount | None
    fee: Amount
    liquidity: Liquidity
    completes: bool
    occurred_at: datetime


OrderCommand = (
    PlaceOrder
    | DenyOrder
    | SubmitOrder
    | RecordOutcomeUnknown
    | RecordAccepted
    | RecordRejected
    | RecordCanceled
    | RecordExpired
    | RecordFill
)
