"""The rules an order can break."""

from dataclasses import dataclass
from typing import ClassVar

from domain.errors import Invalid, NotFound, Refused
from domain.orders.transitions import OrderFact, Status


@dataclass(kw_only=True, eq=False)
class UnknownOrder(NotFound):
    """Something is said about an order that was never placed."""

    code: ClassVar[str] = "unknown_order"
    sentence: ClassVar[str] = "There is no such order."


@dataclass(kw_only=True, eq=False)
class InvalidOrderSize(Invalid):
    """An order has two sizes or none."""

    code: ClassVar[str] = "invalid_order_size"
    sentence: ClassVar[str] = "An order gives either a quantity of the base or an amount of the quote, above zero."


@dataclass(kw_only=True, eq=False)
class InvalidFill(Invalid):
    """A reported fill has a number that no fill can have; `field` says which."""

    code: ClassVar[str] = "invalid_fill"
    sentence: ClassVar[str] = "A fill has a trade id, a quantity and a price above zero and a cost not below it."
    field: str


@dataclass(kw_only=True, eq=False)
class OrderTransitionRefused(Refused):
    """The event cannot follow the order's status (docs/orders.md)."""

    code: ClassVar[str] = "order_transition_refused"
    sentence: ClassVar[str] = "The order's status does not allow this."
    status: Status
    event: OrderFact


@dataclass(kw_only=True, eq=False)
class DuplicateTrade(Refused):
    """The order has booked this trade, maybe by another channel."""

    code: ClassVar[str] = "duplicate_trade"
    sentence: ClassVar[str] = "This trade of the order is booked already."
    trade_id: str


@dataclass(kw_only=True, eq=False)
class TooManyTrades(Refused):
    """The order has more fills than its state may remember."""

    code: ClassVar[str] = "too_many_trades"
    sentence: ClassVar[str] = "The order has as many fills as one order may have."
    limit: int
