"""Money, exactly: whole numbers of an asset's smallest unit, and the text forms people and events use.

Nothing here is a float or a Decimal. What does not fit an asset's scale is refused, never rounded; rounding happens in
one function that names its direction.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import ClassVar, assert_never

from domain.errors import DomainError, Invalid

MAX_UNITS = 10**30
"""A posting stays below this many smallest units."""
MAX_WHOLE_DIGITS = 20

_CODE = re.compile(r"[A-Z0-9]{1,20}")
_NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?", re.ASCII)


@dataclass(kw_only=True, eq=False)
class NotAnAmount(Invalid):
    """The text is not a plain decimal number: an exponent, a leading zero, NaN, minus zero, a foreign digit."""

    code: ClassVar[str] = "not_an_amount"
    sentence: ClassVar[str] = "An amount is a decimal string such as 12.50."
    text: str


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


@dataclass(kw_only=True, eq=False)
class AssetMismatch(DomainError):
    """Two assets, or one asset at two scales, met in one sum."""

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
        assert 0 <= self.scale <= 18, self.scale  # noqa: PLR2004 - the largest scale there is

    def amount(self, units: int) -> "Amount":
        """Return an amount of this asset in smallest units."""
        return Amount(units, self)


@dataclass(frozen=True, slots=True)
class Amount:
    """A signed whole number of smallest units of an asset."""

    units: int
    asset: Asset

    @classmethod
    def parse(cls, text: str, asset: Asset) -> "Amount":
        """Read a decimal string. Raises `NotAnAmount`, `TooManyDecimals` or `AmountTooLarge`."""
        match = _NUMBER.fullmatch(text)
        if match is None:
            raise NotAnAmount(text=text[:64])
        sign, whole, decimals = match[1], match[2], match[3] or ""
        if len(decimals) > asset.scale:
            raise TooManyDecimals(asset=asset.code, scale=asset.scale, decimals=len(decimals))
        if len(whole) > MAX_WHOLE_DIGITS:
            raise AmountTooLarge(asset=asset.code)
        units = int(whole + decimals.ljust(asset.scale, "0"))
        if sign and not units:
            raise NotAnAmount(text=text)
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


FIAT_SCALES = {"BRL": 2, "CHF": 2, "EUR": 2, "GBP": 2, "JPY": 0, "USD": 2}
"""ISO 4217 decimals of the currencies that are known from the start."""


@lru_cache(maxsize=1_024)
def least_decimals_of(asset: Asset) -> int:
    """Return how many decimals people expect at least: ISO 4217 for currencies, none for coins (CONTRACT, Amounts)."""
    return FIAT_SCALES.get(asset.code, asset.scale if asset.scale <= 4 else 0)  # noqa: PLR2004 - no coin is that coarse


class Rounding(Enum):
    """Where the dust of a division goes."""

    DOWN = "down"
    """Towards zero: the payer of a positive amount keeps the dust."""
    UP = "up"
    """Away from zero: the receiver of a positive amount keeps the dust."""
    HALF_EVEN = "half_even"
    """To the nearest, ties to even: nobody is favoured in the long run."""


def divide(dividend: int, divisor: int, rounding: Rounding) -> int:
    """Return dividend ÷ divisor as a whole number, rounded as named. The one place where Lastro rounds."""
    negative = (dividend < 0) != (divisor < 0)
    quotient, rest = divmod(abs(dividend), abs(divisor))
    match rounding:
        case Rounding.DOWN:
            pass
        case Rounding.UP:
            quotient += rest > 0
        case Rounding.HALF_EVEN:
            twice = 2 * rest - abs(divisor)
            quotient += twice > 0 or (twice == 0 and quotient % 2 == 1)
        case _:
            assert_never(rounding)
    return -quotient if negative else quotient


def allocate(amount: Amount, weights: Sequence[int]) -> tuple[Amount, ...]:
    """Split an amount by whole weights so that the parts add up to it; left-over units go to the first parts."""
    total = sum(weights)
    assert total > 0, "weights must have a positive sum"
    assert all(weight >= 0 for weight in weights), "weights are not negative"
    shares = [divide(amount.units * weight, total, Rounding.DOWN) for weight in weights]
    dust = amount.units - sum(shares)
    step = 1 if dust > 0 else -1
    eligible = [index for index, weight in enumerate(weights) if weight]
    for index in eligible[: abs(dust)]:
        shares[index] += step
    return tuple(amount.asset.amount(share) for share in shares)
