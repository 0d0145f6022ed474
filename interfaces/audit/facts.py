"""A decoded event with what every check needs of its envelope; the whole of that is made only for who asks."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

from application.log import Recorded
from interfaces.audit.snapshot import MOMENT_ZERO


class Fact(NamedTuple):
    """An event of the log. `row` is its envelope in `EVENT_COLUMNS`: uuids as bytes, its moment as a number.

    `as_written` says that it is known to be encoded to the bytes it was decoded from.
    """

    log_position: int
    tenant: str
    stream: str
    name: str
    ends_append: bool
    state: bytes
    event: Any
    row: tuple[Any, ...]
    as_written: bool

    def recorded(self) -> Recorded:
        """Return the event as read models are given it."""
        return recorded_of(self.row)


class Handled:
    """Facts in log order, by their names: each read model is handed those that it handles, and looks at no others."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._of_names: defaultdict[str, list[Fact]] = defaultdict(list)
        for fact in facts:
            self._of_names[fact.name].append(fact)

    def of(self, names: frozenset[str]) -> Sequence[Fact]:
        """Return the facts of these names, in log order."""
        found = [self._of_names[name] for name in names & self._of_names.keys()]
        if not found:
            return ()
        return found[0] if len(found) == 1 else sorted(chain.from_iterable(found), key=itemgetter(0))


def recorded_of(row: tuple[Any, ...]) -> Recorded:
    """Return an event as read models are given it."""
    (
        position, stream, version, name, state, event, tenant, actor, command, correlation, causation, append_id, index,
        size, moment,
    ) = row  # fmt: skip
    caused_by = causation.hex() if causation else None
    command_id, correlation_id = command.hex(), correlation.hex()
    # The initialisers of named tuples are written in Python, which takes as long as all the rest.
    return tuple.__new__(Recorded, (
        position, stream, version, name, state, event.hex(), tenant, actor, command_id, correlation_id, caused_by,
        append_id, index, size, time_of(moment),
    ))  # fmt: skip


@lru_cache(maxsize=1_024)
def time_of(moment: int) -> datetime:
    """Return a moment as a time; all events of an append share theirs."""
    return MOMENT_ZERO + timedelta(microseconds=moment)
