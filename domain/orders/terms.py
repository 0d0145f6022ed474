"""The words of an order's terms and of what came of it. No rules."""

from enum import StrEnum
from typing import NewType

StrategyId = NewType("StrategyId", str)


class Side(StrEnum):
    """Which way an order trades the base."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 where base comes in, −1 where it goes out."""
        return 1 if self is Side.BUY else -1


class OrderType(StrEnum):
    """How the venue shall execute an order."""

    MARKET = "market"


class Liquidity(StrEnum):
    """Whether a fill met an order that was waiting, or was the one waiting."""

    TAKER = "taker"
    MAKER = "maker"


class Pending(StrEnum):
    """A request under way beside the status. None of a market order's events sets one yet."""

    NONE = "none"
    CANCEL = "cancel"
    REPLACE = "replace"


class Standing(StrEnum):
    """How a fill stands to its order; where several hold, the later word wins. All but REGULAR want attention."""

    REGULAR = "regular"
    LATE = "late"
    OVERFILL = "overfill"
    UNEXPECTED = "unexpected"
