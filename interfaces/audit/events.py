"""Every event by itself: it decodes strictly and encodes to the same bytes. Then what decoded events are needed for.

One range of the log is read and decoded once: for its shape, its evidence, for claims and for all read models.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from application.codec import CODEC, CannotDecode
from application.evidence.trees import split
from application.store import EVENT_COLUMNS
from domain.ledger.entry import EntryPosted
from domain.merkle import HASH_BYTES
from interfaces.audit.claims import Claiming
from interfaces.audit.evidence import SealedLeaves
from interfaces.audit.facts import Fact, Handled
from interfaces.audit.findings import Tallies, Tally
from interfaces.audit.journal import JournalRange
from interfaces.audit.leaves import leaves_of
from interfaces.audit.log import Row, Shape, Streams
from interfaces.audit.models import Model
from interfaces.audit.replay import Replay
from interfaces.audit.scope import WHOLE, Scope
from interfaces.audit.snapshot import Connection, chunks, rows
from projections.changes import Changes
from projections.models import PROJECTIONS

CHECKS = ("codec",)

AT_A_TIME = 250
"""Events that are looked at together: what is made of them still lies in the processor's cache for the next check."""

_RANGE = f"""
    SELECT {EVENT_COLUMNS} FROM log.events WHERE notification_id BETWEEN %s AND %s ORDER BY notification_id
"""  # noqa: S608 - a constant of the store


@dataclass(frozen=True, slots=True)
class Range:
    """The events behind one append end and up to another; the last range is open to whatever rows follow."""

    behind: int
    upto: int
    last: bool

    def part_of(self, hashes: bytes) -> bytes:
        """Return the hashes of its events out of those of all."""
        return hashes[HASH_BYTES * self.behind : None if self.last else HASH_BYTES * self.upto]


@dataclass(frozen=True, slots=True)
class Read:
    """What a range has shown: findings, its streams, and changes that only whole read models can be compared with.

    `end` is the hash of its last event, by which it is known again.
    """

    within: Range
    tallies: Tallies
    streams: Streams
    changes: dict[str, Changes]
    end: bytes = b""


def check_events(
    connection: Connection,
    within: Range,
    *,
    models: tuple[Model, ...],
    hashes: bytes,
    journal: Model | None = None,
    scope: Scope = WHOLE,
) -> Read:
    """Read and check one range of the log. `hashes` are those of its leaves, as far as they are sealed."""
    tallies = Tallies.of(scope)
    checking: _Checking | None = None
    last: Row | None = None
    for events in chunks(connection, _RANGE, within.behind, within.upto, size=AT_A_TIME):
        if checking is None:
            before = events.pop(0) if within.behind else None
            checking = _Checking(within, before, models=models, journal=journal, hashes=hashes, tallies=tallies)
        checking.take(events)
        last = events[-1] if events else last
    if checking is None:
        checking = _Checking(within, None, models=models, journal=journal, hashes=hashes, tallies=tallies)
    return checking.close(connection, last)


class _Checking:
    """All checks of a range on their way through it, and what they have found."""

    def __init__(
        self,
        within: Range,
        before: Row | None,
        *,
        models: tuple[Model, ...],
        journal: Model | None,
        hashes: bytes,
        tallies: Tallies,
    ) -> None:
        self._within = within
        self._tallies = tallies
        self._shape = Shape(before, tallies)
        self._sealed = within.behind + len(hashes) // HASH_BYTES
        self._evidence = SealedLeaves(split(hashes), behind=within.behind, tally=tallies["evidence of events"])
        self._claiming = Claiming(tallies["claims"])
        self._journal = None if journal is None else JournalRange(journal, tallies)
        self._replays = {model.name: Replay(model, tallies) for model in models}

    def take(self, events: list[Row]) -> None:
        """Check the next events."""
        with self._tallies.timed("log positions"):
            self._shape.take(events)
        with self._tallies.timed("evidence of events") as tally:
            sealed = events if events and events[-1][0] <= self._sealed else self._sealed_of(events)
            self._evidence.take_all([row[0] for row in sealed], leaves_of(sealed))
            tally.count("unsealed", len(events) - len(sealed))
        with self._tallies.timed("codec") as tally:
            tally.count("events", len(events))
            facts = [fact for row in events if (fact := _decoded(row, tally)) is not None]
            _check_encoding(facts, tally)
        with self._tallies.timed("claims"):
            self._claiming.take(facts)
        if self._journal is not None:
            self._journal.take(events)
        handled = Handled(facts)
        for replay in self._replays.values():
            replay.take(handled)

    def _sealed_of(self, events: list[Row]) -> list[Row]:
        return [row for row in events if row[0] <= self._sealed]

    def close(self, connection: Connection, last: Row | None) -> Read:
        """Compare what lies in the read models for this range."""
        within = self._within
        streams = self._shape.close()
        with self._tallies.timed("evidence of events"):
            self._evidence.close()
        behind, upto = within.behind, None if within.last else within.upto
        if self._journal is not None:
            self._journal.compare(connection, behind=behind, upto=upto)
        changes = {name: replay.compare(connection, behind=behind, upto=upto) for name, replay in self._replays.items()}
        return Read(within, self._tallies, streams, changes, leaves_of([last])[0] if last is not None else b"")


def read_again(connection: Connection, within: Range, *, models: tuple[Model, ...], scope: Scope = WHOLE) -> Read:
    """Read a range only for what rests on it: streams that go on behind it, and read models that are compared whole."""
    tallies = Tallies.of(scope)
    found = rows(connection, _RANGE, within.behind, within.upto, moments_as_numbers=True)
    shape = Shape(found.pop(0) if within.behind else None, Tallies())
    shape.take(found)
    handled = _handled_by(models)
    with tallies.timed("codec") as tally:
        facts = Handled(fact for row in found if row[3] in handled and (fact := _decoded(row, tally)) is not None)
    replays = {model.name: Replay(model, tallies) for model in models}
    for replay in replays.values():
        replay.take(facts)
    return Read(within, tallies, shape.close(), {name: replay.leave() for name, replay in replays.items()})


def end_of(connection: Connection, log_position: int) -> bytes:
    """Return the hash of an event by which the end of a range is known again; of none, nothing."""
    found = rows(connection, _RANGE, log_position, log_position, moments_as_numbers=True)
    return leaves_of(found)[0] if found else b""


def _handled_by(models: tuple[Model, ...]) -> frozenset[str]:
    return frozenset().union(*(PROJECTIONS[model.name].handles for model in models))


def _decoded(row: tuple[Any, ...], tally: Tally) -> Fact | None:
    position, stream, _, name, state, event_id, tenant, _, _, _, _, _, index, size, _ = row
    event = CODEC.as_written(name, state)
    as_written = event is not None
    if not as_written:
        try:
            event = CODEC.decode(name, state)
        except CannotDecode as error:
            tally.find(position, f"cannot be decoded: {error}")
            return None
    if isinstance(event, EntryPosted) and event.entry.id != event_id.hex():
        tally.find(position, f"entry {event.entry.id} lies under the event id {event_id.hex()}")
    # The initialiser of a named tuple is written in Python.
    return tuple.__new__(Fact, (position, tenant, stream, name, index == size, state, event, row, as_written))


def _check_encoding(facts: Sequence[Fact], tally: Tally) -> None:
    """Encode all events of a name together, and one by one only where that shows a difference."""
    of_names: defaultdict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        if not fact.as_written and fact.name in CODEC.events:
            of_names[fact.name].append(fact)
    for name, same in of_names.items():
        if not CODEC.are_encoded(name, [fact.event for fact in same], [fact.state for fact in same]):
            for fact in same:
                if CODEC.encode(fact.event) != (name, fact.state):
                    tally.find(fact.log_position, f"{name} is encoded to other bytes today")
