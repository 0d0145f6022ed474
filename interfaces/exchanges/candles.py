"""Read candles from a file: exact decimals become whole smallest units, rows are put in order, duplicates are refused.

It reports gaps and candles without trade and repairs neither. The layout is that of docs/candles.md.
"""

import csv
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from domain.errors import DomainError
from domain.instruments import Instrument, parse
from domain.money import Amount, Asset

_FIXED = ("date", "symbol", "open", "high", "low", "close")
_VOLUME = re.compile(r"volume_([a-z0-9]{1,20})")
_COLUMNS = 8
_FORMS = (
    (re.compile(r"\d{4}-\d{2}-\d{2} (0[1-9]|1[0-2])-(AM|PM)", re.ASCII), "%Y-%m-%d %I-%p", timedelta(hours=1)),
    (re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII), "%Y-%m-%d", timedelta(days=1)),
)


class CandlesRefused(Exception):
    """The file is no file of candles; the message names the line and what is wrong with it."""

    def __init__(self, why: str, *, line: int) -> None:
        super().__init__(f"line {line}: {why}")
        self.line = line


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """What was traded from `at` on, for one step: prices of one coin in quote, `volume` in base."""

    at: datetime
    open: Amount
    high: Amount
    low: Amount
    close: Amount
    volume: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Candles that are missing between two that are there: the first missing one's time, and how many."""

    at: datetime
    missing: int


@dataclass(frozen=True, kw_only=True)
class Candles:
    """The candles of one instrument, oldest first, no two of one time, `step` apart except where there is a gap."""

    instrument: Instrument
    step: timedelta
    rows: tuple[Candle, ...]
    moved: int = 0
    """How many rows of the file did not stand where they do when the newest is first."""
    _traded: tuple[Candle, ...] = field(init=False, repr=False)
    _times: tuple[datetime, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        traded = tuple(candle for candle in self.rows if candle.volume)
        object.__setattr__(self, "_traded", traded)
        object.__setattr__(self, "_times", tuple(candle.at for candle in traded))

    def meet(self, at: datetime | None) -> Candle | None:
        """Return the first candle with volume at or after a moment, or the last one where none is named."""
        index = len(self._traded) - 1 if at is None else bisect_left(self._times, at)
        return self._traded[index] if 0 <= index < len(self._traded) else None

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The gaps, oldest first."""
        return tuple(
            Gap(at=one.at + self.step, missing=(other.at - one.at) // self.step - 1)
            for one, other in pairwise(self.rows)
            if other.at - one.at > self.step
        )

    @property
    def idle(self) -> tuple[datetime, ...]:
        """The times of the candles in which nothing was traded."""
        return tuple(candle.at for candle in self.rows if not candle.volume)


def read(path: Path) -> Candles:
    """Read a file of candles. Raises `CandlesRefused`, or OSError where it cannot be opened."""
    with path.open(encoding="utf-8", newline="") as lines:
        return read_lines(lines)


def read_lines(lines: Iterable[str]) -> Candles:
    """Read the lines of a file of candles: a note, the header, then one candle per line. Raises `CandlesRefused`."""
    reader = csv.reader(_in_utf8(lines))
    next(reader, None)
    base = _base(next(reader, []))
    numbered = [(reader.line_num, row) for row in reader if row]
    if not numbered:
        raise CandlesRefused("there are no candles", line=reader.line_num)
    instrument = _instrument(base, numbered)
    step = _form(*numbered[0])[1]
    candles = [_candle(row, instrument, step=step, line=line) for line, row in numbered]
    _refuse_duplicates(candles, numbered)
    ordered = sorted(candles, key=lambda candle: candle.at)
    moved = sum(one is not other for one, other in zip(candles, reversed(ordered), strict=True))
    return Candles(instrument=instrument, step=step, rows=tuple(ordered), moved=moved)


def _in_utf8(lines: Iterable[str]) -> Iterator[str]:
    number = 0
    try:
        for number, line in enumerate(lines, start=1):  # noqa: B007 - the error below names it
            yield line
    except UnicodeDecodeError:
        raise CandlesRefused("this is no text in UTF-8", line=number + 1) from None


def _base(header: list[str]) -> str:
    """Return the code of the base, which the header's name of the volume holds."""
    volume = _VOLUME.fullmatch(header[6]) if len(header) == _COLUMNS else None
    if volume is None or tuple(header[:6]) != _FIXED or header[7] != "volume":
        raise CandlesRefused(f"the header is not {','.join(_FIXED)},volume_<base>,volume", line=2)
    return volume[1]


def _instrument(base: str, numbered: list[tuple[int, list[str]]]) -> Instrument:
    symbol = numbered[0][1][1] if len(numbered[0][1]) > 1 else ""
    for line, row in numbered:
        if len(row) != _COLUMNS:
            raise CandlesRefused(f"{len(row)} columns instead of {_COLUMNS}", line=line)
        if row[1] != symbol:
            raise CandlesRefused(f"a second symbol, {row[1]!r} beside {symbol!r}", line=line)
    quote = symbol.lower().removeprefix(base)
    try:
        if quote == symbol.lower():
            raise CandlesRefused(f"symbol {symbol!r} does not begin with {base!r}", line=numbered[0][0])
        return parse(f"{base}-{quote}")
    except DomainError as error:
        raise CandlesRefused(f"symbol {symbol!r}: {error}", line=numbered[0][0]) from None


def _form(line: int, row: list[str]) -> tuple[str, timedelta]:
    for pattern, form, step in _FORMS:
        if pattern.fullmatch(row[0]):
            return form, step
    raise CandlesRefused(f"{row[0]!r} is no YYYY-MM-DD and no YYYY-MM-DD HH-AM/PM", line=line)


def _candle(row: list[str], instrument: Instrument, *, step: timedelta, line: int) -> Candle:
    form, own_step = _form(line, row)
    if own_step != step:
        raise CandlesRefused("hours and days are mixed", line=line)
    try:
        at = datetime.strptime(row[0], form).replace(tzinfo=UTC)
    except ValueError:
        raise CandlesRefused(f"{row[0]!r} is no day of the calendar", line=line) from None
    prices = [_above(text, instrument.quote, line=line, least=1) for text in row[2:6]]
    opened, high, low, closed = prices
    if high < max(opened, closed) or min(opened, closed) < low:
        raise CandlesRefused("open and close are not between low and high", line=line)
    volume = _above(row[6], instrument.base, line=line, least=0)
    return Candle(at=at, open=opened, high=high, low=low, close=closed, volume=volume)


def _above(text: str, asset: Asset, *, line: int, least: int) -> Amount:
    try:
        amount = Amount.parse(text, asset)
    except DomainError as error:
        raise CandlesRefused(f"{text[:64]!r}: {error}", line=line) from None
    if amount.units < least:
        raise CandlesRefused(f"{text!r} is too small", line=line)
    return amount


def _refuse_duplicates(candles: list[Candle], numbered: list[tuple[int, list[str]]]) -> None:
    seen: dict[datetime, int] = {}
    for candle, (line, row) in zip(candles, numbered, strict=True):
        first = seen.setdefault(candle.at, line)
        if first != line:
            raise CandlesRefused(f"{row[0]} is there twice, first on line {first}", line=line)
