"""Decide when two simple moving averages cross and what to do about it: integers only, one position at a time.

The averages are compared as sums, multiplied crosswise, so nothing is divided and nothing is rounded. This module never
knows whether an order was filled: what is held and what it is worth come in with the question.
"""

from dataclasses import dataclass
from enum import StrEnum

from domain.instruments import UNIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How many closes the two averages span, and the share of equity one purchase may spend, in hundredths of 1 %."""

    fast: int = 10
    slow: int = 30
    share_bps: int = 500

    def __post_init__(self) -> None:
        assert 0 < self.fast < self.slow, f"the fast average must be the shorter one: {self.fast}, {self.slow}"
        assert 0 < self.share_bps <= _ALL_BPS, f"a share of equity is above 0 and at most 10 000 bps: {self.share_bps}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Averages:
    """The last closes, newest last and never more than the slow average spans, and how the averages last stood.

    `lead` is +1 while the fast average was last above the slow one, −1 below; 0 before they ever differed.
    """

    closes: tuple[int, ...] = ()
    lead: int = 0


class Cross(StrEnum):
    """The fast average has passed the slow one, from below or from above."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Buy:
    """Buy for this much quote, in smallest units."""

    quote_amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sell:
    """Sell this much base, in smallest units."""

    quantity: int


INITIAL = Averages()
_ALL_BPS = 10_000


def step(state: Averages, close: int, rule: Rule = Rule()) -> tuple[Averages, Cross | None]:
    """Take one candle's close (smallest units of the quote) and say whether the averages crossed on it.

    There is no cross before the slow average spans its closes, and none when they only touch: equal averages leave the
    lead where it was.
    """
    closes = (*state.closes, close)[-rule.slow :]
    if len(closes) < rule.slow:
        return Averages(closes=closes), None
    gap = sum(closes[-rule.fast :]) * rule.slow - sum(closes) * rule.fast
    lead = (gap > 0) - (gap < 0) or state.lead
    crossed = state.lead and lead != state.lead
    cross = (Cross.UP if lead > 0 else Cross.DOWN) if crossed else None
    return Averages(closes=closes, lead=lead), cross


def answer(cross: Cross, *, held: int, equity: int, rule: Rule = Rule()) -> Buy | Sell | None:
    """Say what a cross asks for, given the base units held and the equity in quote units; None when nothing.

    Up buys for the rule's share of equity, rounded down, unless something is held; down sells all that is held.
    """
    if cross is Cross.DOWN:
        return Sell(quantity=held) if held > 0 else None
    spend = equity * rule.share_bps // _ALL_BPS
    return Buy(quote_amount=spend) if held == 0 and spend > 0 else None


def equity(*, quote: int, base: int, close: int) -> int:
    """Return quote + base × close in smallest units of the quote, rounded down; `close` is the price of one coin."""
    return quote + base * close // UNIT
