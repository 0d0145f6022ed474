"""Name what is traded: `btc-usd`, `btc-usdt-perp`. The name says base, quote and whether it is a perpetual future.

Which instruments a venue offers is not decided here, nor their lot sizes.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NewType

from domain.errors import Invalid
from domain.money import Amount, Asset, Rounding, divide

InstrumentId = NewType("InstrumentId", str)

SCALE = 18
"""Every asset of the portfolio realm has this scale, fiat too: venues report more decimals than a bank does."""

UNIT: int = 10**SCALE
"""One coin, or one unit of money, in smallest units."""

_FORM = re.compile(r"([a-z0-9]{1,20})-([a-z0-9]{1,20})(-perp)?")


@dataclass(kw_only=True, eq=False)
class InvalidInstrument(Invalid):
    """The name has another form, or trades an asset for itself."""

    code: ClassVar[str] = "invalid_instrument"
    sentence: ClassVar[str] = "An instrument is named <base>-<quote> or <base>-<quote>-perp, in lower case."
    instrument: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """What is traded. A price is an amount of quote for one coin of base."""

    id: InstrumentId
    base: Asset
    quote: Asset
    perpetual: bool

    def value(self, *, price: Amount, quantity: Amount) -> Amount:
        """Return price × quantity in the quote, half-even at its scale: a fill's value where the venue gives none."""
        assert price.asset == self.quote, f"{price} is no price of {self.id}"
        assert quantity.asset == self.base, f"{quantity} is no quantity of {self.id}"
        return Amount(divide(price.units * quantity.units, UNIT, Rounding.HALF_EVEN), self.quote)


@lru_cache(maxsize=4_096)
def portfolio_asset(code: str) -> Asset:
    """Return an asset as the portfolio realm keeps it."""
    return Asset(code, SCALE)


@lru_cache(maxsize=4_096)
def parse(text: str) -> Instrument:
    """Take an instrument's name apart; raise `InvalidInstrument` where it has another form."""
    form = _FORM.fullmatch(text)
    if form is None or form[1] == form[2]:
        raise InvalidInstrument(instrument=text[:64])
    return Instrument(
        id=InstrumentId(text),
        base=portfolio_asset(form[1].upper()),
        quote=portfolio_asset(form[2].upper()),
        perpetual=form[3] is not None,
    )
