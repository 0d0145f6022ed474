"""The candles that are there without a file: the same 600 hours for everybody, made of whole cents.

They are no market and forecast nothing. They rise and fall long enough for averages of 10 and 30 to cross.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate, pairwise

from domain.instruments import Instrument, parse
from domain.money import Amount
from interfaces.exchanges.candles import Candle, Candles

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)

_START_CENTS = 30_000_00
_CENT = 10**16
_MILLI = 10**15
_NOISE_CENTS = 60_00
# The first cross is on hour 47, so that the order it leads to meets an hour without trade.
_IDLE_EVERY = 49
# Hours and cents an hour: each line is a trend, and together they make 600 hours.
_TRENDS = (
    (40, -35_00), (46, 88_00), (38, -61_00), (30, 74_00), (44, -52_00), (52, 96_00), (34, -83_00), (28, 40_00),
    (36, -57_00), (48, 110_00), (42, -92_00), (30, 65_00), (40, -48_00), (46, 79_00), (46, -70_00),
)  # fmt: skip


@cache
def candles() -> Candles:
    """Return the built-in candles of btc-usd; once in 49 hours nothing was traded."""
    instrument = parse("btc-usd")
    moves = (cents for hours, cents in _TRENDS for _ in range(hours))
    levels = accumulate((move + noise for move, noise in zip(moves, _noise(), strict=False)), initial=_START_CENTS)
    rows = tuple(
        _candle(hour, instrument, opened=opened, closed=closed)
        for hour, (opened, closed) in enumerate(pairwise(levels))
    )
    return Candles(instrument=instrument, step=HOUR, rows=rows)


def _candle(hour: int, instrument: Instrument, *, opened: int, closed: int) -> Candle:
    wick = 5_00 + hour * 37 % 40_00
    milli_coins = 0 if hour % _IDLE_EVERY == _IDLE_EVERY - 1 else 20_000 + hour * 7_919 % 90_000
    return Candle(
        at=FIRST + hour * HOUR,
        open=_price(opened, instrument),
        high=_price(max(opened, closed) + wick, instrument),
        low=_price(min(opened, closed) - wick, instrument),
        close=_price(closed, instrument),
        volume=instrument.base.amount(milli_coins * _MILLI),
    )


def _price(cents: int, instrument: Instrument) -> Amount:
    return instrument.quote.amount(cents * _CENT)


def _noise() -> Iterator[int]:
    """Yield cents around zero for ever, from a linear congruential generator (Numerical Recipes' constants)."""
    state = 1
    while True:
        state = (1_664_525 * state + 1_013_904_223) % 2**32
        yield state * (2 * _NOISE_CENTS + 1) // 2**32 - _NOISE_CENTS
