"""Rates: what one unit of an asset was worth in another, as a recorded fact. One that is too old is not used."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from domain.errors import Invalid, Refused
from domain.money import Amount, Asset, Rounding

OLDEST = timedelta(hours=24)
PRICE_SCALE = 18
"""A price is an amount of the quote asset with this many decimals, for one whole unit of the base."""


@dataclass(kw_only=True, eq=False)
class NoRate(Refused):
    """Nobody has recorded what the asset is worth."""

    code: ClassVar[str] = "no_rate"
    sentence: ClassVar[str] = "There is no rate for this pair."
    base: str
    quote: str


@dataclass(kw_only=True, eq=False)
class RateTooOld(Refused):
    """A rate is used for a day (ACCOUNTING, exchange)."""

    code: ClassVar[str] = "rate_too_old"
    sentence: ClassVar[str] = "The last rate of this pair is too old."
    base: str
    quote: str
    recorded_for: datetime


@dataclass(kw_only=True, eq=False)
class InvalidRate(Invalid):
    """A rate is above zero, between two assets, and not of the future."""

    code: ClassVar[str] = "invalid_rate"
    sentence: ClassVar[str] = "A rate is above zero, between two different assets, and of the past."


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRate:
    """Record what one unit of `base` is worth, as a price in the quote asset with 18 decimals."""

    base: str
    price: Amount
    source: str
    occurred_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRecorded:
    """One unit of an asset was worth so much of another."""

    base: str
    price: Amount
    source: str
    occurred_at: datetime


State = RateRecorded | None
INITIAL: State = None


def decide(state: State, command: RecordRate) -> tuple[RateRecorded, ...]:
    """Record a rate; the same again is nothing new."""
    if command.price.units <= 0 or command.base == command.price.asset.code or command.occurred_at > command.now:
        raise InvalidRate
    recorded = RateRecorded(
        base=command.base, price=command.price, source=command.source, occurred_at=command.occurred_at
    )
    return () if state == recorded else (recorded,)


def evolve(state: State, event: RateRecorded) -> State:
    """Keep the youngest; one that comes late changes nothing."""
    return event if state is None or event.occurred_at >= state.occurred_at else state


def price_now(state: State, base: str, quote: str, *, now: datetime) -> RateRecorded:
    """Return the rate to use. Raises `NoRate` or `RateTooOld`."""
    if state is None:
        raise NoRate(base=base, quote=quote)
    if now - state.occurred_at > OLDEST:
        raise RateTooOld(base=base, quote=quote, recorded_for=state.occurred_at)
    return state


def worth(amount: Amount, price: Amount, asset: Asset) -> Amount:
    """Return what an amount is worth at a price, in `asset`'s own scale, rounded down: the dust stays with us."""
    assert price.asset.code == asset.code, "the price is in the asset that is asked for"
    over = 10 ** (amount.asset.scale + PRICE_SCALE - asset.scale)
    return Amount(1, asset).times(amount.units * price.units, over=over, rounding=Rounding.DOWN)
