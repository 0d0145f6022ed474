"""Money, exactly: whole numbers of an asset's smallest unit, and the text forms people and events use.

Nothing here is a float or a Decimal. What does not fit an asset's scale is refused, never rounded; rounding happens in
one function that names its direction.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import ClassVar

from domain import currencies
from domain.errors import DomainError, Invalid

MAX_UNITS: int = 10**30
"""A posting stays below this many smallest units."""
MAX_WHOLE_DIGITS = 20
MAX_SCALE = 18
COARSE_SCALE = 4
"""An asset no finer than this is written with all its decimals: it is money of some kind, and no coin."""

PATTERN = rf"-?(0|[1-9][0-9]{{0,{MAX_WHOLE_DIGITS - 1}}})(\.[0-9]{{1,{MAX_SCALE}}})?"
"""The form of an amount at every edge of the system (CONTRACT, Amounts); minus zero is refused besides."""

_CODE = re.compile(r"[A-Z0-9]{1,20}")
_NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?")
_LONGEST_SHOWN = 64


@dataclass(kw_only=True, eq=False)
class NotAnAmount(Invalid):
    """A number that is no string, or a string with an exponent, a leading zero, NaN, minus zero, a foreign digit."""

    code: ClassVar[str] = "not_an_amount"
    sentence: ClassVar[str] = "An amount is a decimal string such as 12.50."
    text: str
    pattern: str = PATTERN


@dataclass(kw_only=True, eq=False)
class TooManyDecimals(Invalid):
    """The text is finer than the asset's smallest unit."""

    code: ClassVar[str] = "too_many_decimals"
    sentence: ClassVar[str] = "The amount has more decimals than the asset."
    asset: str
    scale: int
    decimals: int


@dataclass(kw_only=True, eq=False)
class AmountTooLarge(Invalid):
    """The amount has too many digits, or reaches the limit of a posting."""

    code: ClassVar[str] = "amount_too_large"
    sentence: ClassVar[str] = "The amount is too large."
    asset: str
    max_whole_digits: int = MAX_WHOLE_DIGITS
    max_unit_digits: int = len(str(MAX_UNITS)) - 1


@dataclass(kw_only=True, eq=False)
class AssetMismatch(DomainError):
    """Two assets, or one asset at two scales, met in one sum. It is a mistake of ours, never of a request."""

    code: ClassVar[str] = "asset_mismatch"
    sentence: ClassVar[str] = "Amounts of different assets do not add up."
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset at the scale of one realm: 10**scale smallest units are one."""

    code: str
    scale: int

    def __post_init__(self) -> None:
        assert _CODE.fullmatch(self.code), self.code
        assert 0 <= self.scale <= MAX_SCALE, self.scale

    def __str__(self) -> str:
        return f"{self.code}/{self.scale}"

    def amount(self, units: int) -> "Amount":
        """Return an amount of this asset in smallest units."""
        return Amount(units, self)


@lru_cache(maxsize=4_096)
def asset_of(code: str, scale: int) -> Asset:
    """Return the one object that stands for an asset at a scale, so that sums mostly compare identities."""
    return Asset(code, scale)


@dataclass(frozen=True, slots=True)
class Amount:
    """A signed whole number of smallest units of an asset."""

    units: int
    asset: Asset

    @classmethod
    def parse(cls, text: object, asset: Asset) -> "Amount":
        """Read a decimal string; whatever else JSON can hold is no amount.

        Raises `NotAnAmount`, `TooManyDecimals` or `AmountTooLarge`, the first that applies.
        """
        match = _NUMBER.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise NotAnAmount(text=text[:_LONGEST_SHOWN] if isinstance(text, str) else f"<{type(text).__name__}>")
        sign, whole, decimals = match[1], match[2], match[3] or ""
        if len(decimals) > asset.scale:
            raise TooManyDecimals(asset=asset.code, scale=asset.scale, decimals=len(decimals))
        if len(whole) > MAX_WHOLE_DIGITS:
            raise AmountTooLarge(asset=asset.code)
        units = int(whole + decimals.ljust(asset.scale, "0"))
        if sign and not units:
            raise NotAnAmount(text=match[0])
        if units >= MAX_UNITS:
            raise AmountTooLarge(asset=asset.code)
        return cls(-units if sign else units, asset)

    def format_full(self) -> str:
        """Return the decimal string with the asset's full scale, as events hold it."""
        scale = self.asset.scale
        if not scale:
            return str(self.units)
        digits = str(abs(self.units)).rjust(scale + 1, "0")
        return f"{'-' if self.units < 0 else ''}{digits[:-scale]}.{digits[-scale:]}"

    def format_plain(self, *, least_decimals: int | None = None) -> str:
        """Return the decimal string without needless zeros, but with the decimals that people expect at least."""
        least = least_decimals_of(self.asset) if least_decimals is None else least_decimals
        whole, _, decimals = self.format_full().partition(".")
        kept = decimals.rstrip("0").ljust(min(least, self.asset.scale), "0")
        return f"{whole}.{kept}" if kept else whole

    def as_data(self) -> dict[str, str]:
        """Return the JSON form of money."""
        return {"value": self.format_plain(), "asset": self.asset.code}

    def times(self, numerator: int, *, over: int = 1, rounding: "Rounding") -> "Amount":
        """Return this amount × numerator ÷ over. A rate is such a pair of whole numbers, never a fraction."""
        return Amount(divide(self.units * numerator, over, rounding), self.asset)

    def __str__(self) -> str:
        return f"{self.format_plain()} {self.asset.code}"

    def __add__(self, other: "Amount") -> "Amount":
        self._same_asset(other)
        return Amount(self.units + other.units, self.asset)

    def __sub__(self, other: "Amount") -> "Amount":
        self._same_asset(other)
        return Amount(self.units - other.units, self.asset)

    def __neg__(self) -> "Amount":
        return Amount(-self.units, self.asset)

    def __abs__(self) -> "Amount":
        return Amount(abs(self.units), self.asset)

    def __bool__(self) -> bool:
        return self.units != 0

    def __lt__(self, other: "Amount") -> bool:
        self._same_asset(other)
        return self.units < other.units

    def __le__(self, other: "Amount") -> bool:
        self._same_asset(other)
        return self.units <= other.units

    def _same_asset(self, other: "Amount") -> None:
        if self.asset is not other.asset and self.asset != other.asset:
            raise AssetMismatch(left=str(self.asset), right=str(other.asset))


@lru_cache(maxsize=4_096)
def least_decimals_of(asset: Asset) -> int:
    """Return how many decimals people expect at least: a currency's of ISO 4217, none of a coin (CONTRACT, Amounts)."""
    return currencies.DECIMALS.get(asset.code, asset.scale if asset.scale <= COARSE_SCALE else 0)


class Rounding(Enum):
    """Where the dust of a division goes: what is left of the last smallest unit."""

    DOWN = "down"
    """Towards zero: whoever pays a positive amount keeps the dust."""
    UP = "up"
    """Away from zero: whoever receives a positive amount keeps the dust."""
    HALF_EVEN = "half_even"
    """To the nearest, ties to even: nobody is favoured in the long run."""


def divide(dividend: int, divisor: int, rounding: Rounding) -> int:
    """Return dividend ÷ divisor as a whole number, rounded as named. The one place where Lastro rounds."""
    negative = (dividend < 0) != (divisor < 0)
    quotient, rest = divmod(abs(dividend), abs(divisor))
    if rest and rounding is not Rounding.DOWN:
        twice = 2 * rest - abs(divisor)
        if rounding is Rounding.UP or twice > 0 or (twice == 0 and quotient % 2 == 1):
            quotient += 1
    return -quotient if negative else quotient


def allocate(amount: Amount, weights: Sequence[int]) -> tuple[Amount, ...]:
    """Split an amount by whole weights into parts that add up to it to the last unit.

    Each part is its exact share rounded down or up: the units that rounding down leaves over go to the largest
    remainders, the earlier part first where they are equal. A weight of zero gets nothing.
    """
    total = sum(weights)
    assert total > 0, "weights must have a positive sum"
    assert min(weights) >= 0, "weights are not negative"
    whole = abs(amount.units)
    parts = [divide(whole * weight, total, Rounding.DOWN) for weight in weights]
    left_over = whole - sum(parts)
    by_remainder = sorted(range(len(parts)), key=lambda part: parts[part] * total - whole * weights[part])
    for part in by_remainder[:left_over]:
        parts[part] += 1
    return tuple(amount.asset.amount(-units if amount.units < 0 else units) for units in parts)
