"""The words of a position: which one it is, what kind of market it is held in, and where a fee comes from."""

from dataclasses import dataclass
from enum import StrEnum

from domain.ids import ConnectionId
from domain.instruments import InstrumentId
from domain.orders.terms import StrategyId


class Market(StrEnum):
    """What may be held: coins owned, coins owned or borrowed, or a contract settled in its margin asset."""

    SPOT = "spot"
    MARGIN = "margin"
    PERPETUAL = "perpetual"


class FeeSource(StrEnum):
    """What pays a fill's fee: plain holdings, the position itself, or the position in the fee's own asset."""

    HOLDINGS = "holdings"
    POSITION = "position"
    OTHER_POSITION = "other_position"


class Charge(StrEnum):
    """What a position is charged beside its trades; a charge below zero is received."""

    FEE = "fee"
    INTEREST = "interest"
    FUNDING = "funding"
    INSURANCE = "insurance"


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionKey:
    """Which position: one instrument at one connection, for one strategy or for none."""

    connection: ConnectionId
    instrument: InstrumentId
    strategy: StrategyId | None = None

    @property
    def reference(self) -> str:
        """The position as the business object of its entries: `<connection>:<instrument>:<strategy or none>`."""
        return f"{self.connection}:{self.instrument}:{self.strategy or 'none'}"
