"""The table of read models: what each handles and how it is folded.

A model is two files of one name: its tables in schema/projections and its fold beside this file. Nobody lists them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from itertools import chain, starmap
from types import ModuleType
from typing import Any

from application.codec import EVENTS
from application.log import Recorded
from application.upcasters import UPCASTERS
from projections.changes import Change
from projections.generations import DEFINITIONS

Handled = tuple[Recorded, Any]
"""An event that a model handles, as stored and as itself."""
OfTenant = tuple[str, Any]
"""A tenant, and an event that happened there."""


@dataclass(frozen=True, slots=True)
class Projection:
    """A read model: its name, the stored names of the events it handles, and what each event changes.

    `summed` is for a model that only adds, by tenant: what many events change together, in fewer changes than each.
    """

    name: str
    handles: frozenset[str]
    apply: Callable[[Recorded, Any], Iterable[Change]]
    summed: Callable[[Iterable[OfTenant]], Iterable[Change]] | None = None

    @classmethod
    def of(cls, module: ModuleType) -> "Projection":
        """Take a projection's file by its NAME, HANDLES and apply, and its summed if it has one."""
        return cls(module.NAME, stored_names(module.HANDLES), module.apply, getattr(module, "summed", None))

    def apply_all(self, events: Iterable[Handled]) -> Iterable[Change]:
        """Return what events change that follow each other in the log."""
        if self.summed is not None:
            return self.summed((recorded.tenant, event) for recorded, event in events)
        return chain.from_iterable(starmap(self.apply, events))


def stored_names(classes: Iterable[type]) -> frozenset[str]:
    """Return the names under which events of these classes are stored, also those that upcasters turn into them."""
    handled = set(classes)
    names = {name for name, cls in EVENTS.items() if cls in handled}
    assert len(names) == len(handled), f"not in the table of events: {handled - set(EVENTS.values())}"
    while older := {name for name, (newer, _) in UPCASTERS.items() if newer in names} - names:
        names |= older
    return frozenset(names)


def _modules() -> Iterable[ModuleType]:
    """Return the file of each model for which there are tables."""
    for definition in sorted(DEFINITIONS.glob("*.sql")):
        yield import_module(f"projections.{definition.stem}")


PROJECTIONS: Mapping[str, Projection] = {module.NAME: Projection.of(module) for module in _modules()}
