"""Decide what one change of a position opens, closes and realises: integers in smallest units, nothing else.

The state is quantity and cost; an average price is derived and never stored. This module knows no fee, account, order
or event, and it is the hot path: everything else about positions is bookkeeping around it.
"""

from enum import StrEnum
from typing import NamedTuple

from domain.money import Rounding, divide


class Effect(StrEnum):
    """What a step of a change does to the position."""

    OPENS = "opens"
    CLOSES = "closes"
    BEYOND = "beyond"


class Step(NamedTuple):
    """One step of a change: `quantity` and `value` are signed, bought +, sold −.

    `cost` is what the position's cost changes by. For a step that opens or closes, `cost = value + realised`; a step
    beyond the position (coins sold on spot that never belonged to it) changes neither cost nor result.
    """

    effect: Effect
    quantity: int
    value: int
    cost: int
    realised: int


def steps(quantity: int, cost: int, *, change: int, value: int, spot: bool) -> tuple[Step, ...]:
    """Return the one or two steps by which `change` at `value` moves a position of `quantity` and `cost`.

    `change` is not zero and `value` has its sign: +1 BTC costs +30 000, −1 BTC brings −33 000. A reduction removes
    cost × closed ÷ quantity rounded towards zero, and all of it when flat; through zero the value is split pro rata,
    towards zero, and the second part is total minus first. On spot nothing opens below zero (TRADING, "The position").
    """
    if quantity == 0 or (quantity > 0) == (change > 0):
        return (_beginning(change, value, spot=spot),)
    held, moved = abs(quantity), abs(change)
    if moved < held:
        removed = proportion(cost, moved, of=held)
        return (Step(Effect.CLOSES, change, value, -removed, -value - removed),)
    if moved == held:
        return (Step(Effect.CLOSES, change, value, -cost, -value - cost),)
    closing = proportion(value, held, of=moved)
    return (
        Step(Effect.CLOSES, -quantity, closing, -cost, -closing - cost),
        _beginning(change + quantity, value - closing, spot=spot),
    )


def corrected(quantity: int, cost: int, *, change: int, value: int, spot: bool) -> tuple[Step, ...]:
    """Return the steps by which a corrected fill moves a position: `change` and `value` are right minus booked.

    While the position stays open on its side the difference goes to cost; when it is flat afterwards, to the result
    (ACCOUNTING, "Late and corrected fills"). `change` may be zero. A correction through zero, or of a position that is
    flat, is an ordinary change.
    """
    after = quantity + change
    if quantity and after and (after > 0) == (quantity > 0):
        return (Step(Effect.OPENS, change, value, value, 0),)
    if after == 0:
        return (Step(Effect.CLOSES, change, value, -cost, -value - cost),)
    return steps(quantity, cost, change=change, value=value, spot=spot)


def after(quantity: int, cost: int, taken: tuple[Step, ...]) -> tuple[int, int]:
    """Return quantity and cost of the position after the steps were taken."""
    for step in taken:
        if step.effect is not Effect.BEYOND:
            quantity += step.quantity
            cost += step.cost
    return quantity, cost


def proportion(amount: int, part: int, *, of: int) -> int:
    """Return amount × part ÷ of, rounded towards zero."""
    return divide(amount * part, of, Rounding.DOWN)


def _beginning(change: int, value: int, *, spot: bool) -> Step:
    if spot and change < 0:
        return Step(Effect.BEYOND, change, value, 0, 0)
    return Step(Effect.OPENS, change, value, value, 0)
