"""How Stripe counts money: whole numbers of a currency's smallest unit, which is not always the one of ISO 4217."""

from domain.currencies import DECIMALS
from domain.money import Amount, Asset, asset_of

# From Stripe's documentation of currencies: with no decimals, and with three of which the last is zero.
_WITHOUT_DECIMALS = frozenset({
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF",
})  # fmt: skip
_WITH_THREE = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


class UnknownUnits(Exception):
    """Stripe's number is no amount of a currency that we know."""


def to_stripe(amount: Amount) -> tuple[int, str]:
    """Return what Stripe calls the amount, and the currency in small letters. Raises `UnknownUnits`."""
    decimals = _decimals(amount.asset.code)
    shift = decimals - amount.asset.scale
    units = amount.units * 10**shift if shift >= 0 else _whole(amount.units, 10**-shift)
    if decimals == 3 and units % 10:  # noqa: PLR2004 - Stripe's rule for these currencies
        raise UnknownUnits(f"Stripe takes {amount.asset.code} in tens of its smallest unit")
    return units, amount.asset.code.lower()


def from_stripe(units: int, currency: str) -> Amount:
    """Return the amount that Stripe means, unsigned. Raises `UnknownUnits`."""
    code = currency.upper()
    asset = _asset(code)
    shift = asset.scale - _decimals(code)
    return asset.amount(abs(units) * 10**shift if shift >= 0 else _whole(abs(units), 10**-shift))


def _asset(code: str) -> Asset:
    if code not in DECIMALS:
        raise UnknownUnits(f"{code} is no currency")
    return asset_of(code, DECIMALS[code])


def _decimals(code: str) -> int:
    return 0 if code in _WITHOUT_DECIMALS else 3 if code in _WITH_THREE else 2


def _whole(units: int, divisor: int) -> int:
    quotient, rest = divmod(units, divisor)
    if rest:
        raise UnknownUnits("the amount has more decimals than the currency")
    return quotient
