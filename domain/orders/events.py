"""What happened to an order. Each event says which order, so that it explains itself outside its stream."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.ids import ConnectionId, OrderId, UserId
from domain.instruments import InstrumentId
from domain.money import Amount
from domain.orders.terms import Liquidity, OrderType, Side, Standing, StrategyId
from domain.orders.transitions import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderInitialized:
    """An order is on record; nothing was sent. Its id is the client order id, the idempotency key at the venue.

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
class OrderDenied:
    """We refused the order before it was sent."""

    order: OrderId
    code: str
    context: Mapping[str, str]
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSubmitted:
    """One process has claimed the sending of the order, until the deadline."""

    order: OrderId
    epoch: int
    deadline: datetime
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderOutcomeUnknown:
    """The request left us and no answer can be trusted; a query will settle it."""

    order: OrderId
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAccepted:
    """The venue has taken the order."""

    order: OrderId
    venue_order: str | None
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRejected:
    """The venue has definitively refused the order."""

    order: OrderId
    reason: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCanceled:
    """The venue has ended the order."""

    order: OrderId
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderExpired:
    """The order's time at the venue has run out."""

    order: OrderId
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilled:
    """The venue has executed the order or a part of it; `status` is where the order stands afterwards.

    `cost` is the quote value of the fill without fee; `fee` is signed, a rebate negative.
    """

    order: OrderId
    connection: ConnectionId
    instrument: InstrumentId
    strategy: StrategyId | None
    side: Side
    trade_id: str
    quantity: Amount
    price: Amount
    cost: Amount
    fee: Amount
    liquidity: Liquidity
    status: Status
    standing: Standing
    occurred_at: datetime


OrderEvent = (
    OrderInitialized
    | OrderDenied
    | OrderSubmitted
    | OrderOutcomeUnknown
    | OrderAccepted
    | OrderRejected
    | OrderCanceled
    | OrderExpired
    | OrderFilled
)
