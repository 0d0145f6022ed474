"""The table of read models: what each handles and how it is folded.

A new model is a file of its own and a line here.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from application.codec import EVENTS
from application.log import Recorded
from application.upcasters import UPCASTERS
from projections import (
    accounts,
    api_keys,
    assets,
    connections,
    deposits,
    destinations,
    disputes,
    fills,
    journal,
    orders,
    payouts,
    positions,
    proposals,
    quotes,
    receipts,
    refunds,
    transfers,
    users,
    withdrawals,
)
from projections.changes import Change


@dataclass(frozen=True, slots=True)
class Projection:
    """A read model: its name, the stored names of the events it handles, and what each event changes."""

    name: str
    handles: frozenset[str]
    apply: Callable[[Recorded, Any], Iterable[Change]]

    @classmethod
    def of(cls, module: ModuleType) -> "Projection":
        """Take a projection's file by its NAME, HANDLES and apply."""
        return cls(module.NAME, stored_names(module.HANDLES), module.apply)


def stored_names(classes: Iterable[type]) -> frozenset[str]:
    """Return the names under which events of these classes are stored, also those that upcasters turn into them."""
    handled = set(classes)
    names = {name for name, cls in EVENTS.items() if cls in handled}
    assert len(names) == len(handled), f"not in the table of events: {handled - set(EVENTS.values())}"
    while older := {name for name, (newer, _) in UPCASTERS.items() if newer in names} - names:
        names |= older
    return frozenset(names)


_MODULES = (
    assets, users, connections, accounts, journal, orders, fills, positions, destinations, withdrawals, proposals,
    deposits, refunds, disputes, payouts, receipts, transfers, quotes, api_keys,
)  # fmt: skip

PROJECTIONS: Mapping[str, Projection] = {module.NAME: Projection.of(module) for module in _MODULES}
