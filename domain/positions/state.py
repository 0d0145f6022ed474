"""A position is two integers. The average price follows from them and is never stored."""

from dataclasses import dataclass

from domain.instruments import UNIT, Instrument
from domain.money import Amount, Rounding, divide


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """`quantity` in smallest units of the base, short below zero; `cost` in smallest units of the quote, same sign."""

    quantity: int
    cost: int


FLAT = Position(quantity=0, cost=0)


def average_price(position: Position, instrument: Instrument) -> Amount | None:
    """Return cost ÷ quantity, half-even at the quote's scale, to be shown and never to be booked; None when flat."""
    if position.quantity == 0:
        return None
    return instrument.quote.amount(divide(position.cost * UNIT, position.quantity, Rounding.HALF_EVEN))
