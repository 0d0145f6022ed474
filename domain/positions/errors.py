"""The rules a position can break."""

from dataclasses import dataclass
from typing import ClassVar

from domain.errors import Invalid, Refused
from domain.money import Amount
from domain.positions.terms import Charge, Market


@dataclass(kw_only=True, eq=False)
class PositionTooSmall(Refused):
    """More coins would leave the position than it holds."""

    code: ClassVar[str] = "position_too_small"
    sentence: ClassVar[str] = "The position holds less than that."
    held: Amount
    requested: Amount


@dataclass(kw_only=True, eq=False)
class NotDust(Refused):
    """What is left of the position can still be traded."""

    code: ClassVar[str] = "not_dust"
    sentence: ClassVar[str] = "The position is not below the lot size."
    held: Amount
    lot_size: Amount


@dataclass(kw_only=True, eq=False)
class NoCoins(Invalid):
    """A contract is settled in its margin asset: it holds no coins that could be moved."""

    code: ClassVar[str] = "no_coins"
    sentence: ClassVar[str] = "A perpetual holds no coins."
    instrument: str


@dataclass(kw_only=True, eq=False)
class NotCharged(Invalid):
    """Funding and insurance belong to perpetuals, interest to what is not one."""

    code: ClassVar[str] = "not_charged"
    sentence: ClassVar[str] = "This market does not know that charge."
    charge: Charge
    market: Market


@dataclass(kw_only=True, eq=False)
class PriceMissing(Invalid):
    """Coins of a position are never given away without a recorded price."""

    code: ClassVar[str] = "price_missing"
    sentence: ClassVar[str] = "A charge that the position pays needs a recorded price."
    instrument: str
