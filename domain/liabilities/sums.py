"""Amounts of several assets side by side, as a tree of liabilities adds them up: whole units, never below zero.

The unit's name is the asset's code and scale (`USD/2`), so that one code at two scales is never one sum.
"""

import re
from collections.abc import Iterable, Mapping

from domain.merkle import fields_of
from domain.money import Asset

Sums = Mapping[str, int]
"""Units above zero by their names; what is zero is not named."""

NOTHING: Sums = {}
LIMIT = 10**48
"""No sum reaches it: 10^30, the limit of a posting, for 10^18 people."""

_FORM = re.compile(r"(0|[1-9][0-9]{0,47})(?:\.([0-9]{1,18}))?", re.ASCII)


class NoLiability(ValueError):
    """An amount is zero, negative, beyond the limit, or no amount: it can be no part of what is owed."""


def check_sums(sums: Sums) -> Sums:
    """Return the sums. Raises `NoLiability`."""
    for unit, units in sums.items():
        if not 0 < units < LIMIT:
            raise NoLiability(f"{units} {unit} cannot be owed")
    return sums


def add_up(left: Sums, right: Sums) -> Sums:
    """Return both together. Raises `NoLiability` beyond the limit."""
    if not right or not left:
        return left or right
    total = dict(left)
    for unit, units in right.items():
        together = total.get(unit, 0) + units
        if together >= LIMIT:
            raise NoLiability(f"{together} {unit} cannot be owed")
        total[unit] = together
    return total


def bytes_of(sums: Sums) -> bytes:
    """Return what is hashed of sums: names and units as fields, in the order of the names."""
    if len(sums) == 1:
        ((unit, units),) = sums.items()
        return fields_of((unit, units))
    return fields_of(part for unit in sorted(sums) for part in (unit, sums[unit]))


def asset_of_unit(unit: str) -> Asset:
    """Return the asset that a unit's name stands for."""
    code, _, scale = unit.partition("/")
    return Asset(code, int(scale))


def written(sums: Sums) -> list[dict[str, str]]:
    """Return the JSON form: money with all its decimals, in the order of the names."""
    amounts = (asset_of_unit(unit).amount(sums[unit]) for unit in sorted(sums))
    return [{"value": amount.format_full(), "asset": amount.asset.code} for amount in amounts]


def read(amounts: Iterable[Mapping[str, object]]) -> Sums:
    """Read the JSON form. Raises `NoLiability` for anything that `written` does not write."""
    sums: dict[str, int] = {}
    last = ""
    for amount in amounts:
        match amount:
            case {"value": str(value), "asset": str(code), **rest} if not rest:
                found = _FORM.fullmatch(value)
            case _:
                found, code = None, ""
        if found is None:
            raise NoLiability(f"{amount} is no amount")
        unit = f"{code}/{len(found[2] or '')}"
        if unit <= last:
            raise NoLiability(f"{amount} does not stand where it should")
        sums[unit], last = int(found[1] + (found[2] or "")), unit
    return check_sums(sums)
