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
from interfaces.audit.claims import check_claims
from interfaces.audit.evidence import check_leaves
from interfaces.audit.facts import Fact, Handled, leaf_of_row
from interfaces.audit.findings import Tallies, Tally
from interfaces.audit.journal import check_journal
from interfaces.audit.log import Streams, check_shape
from interfaces.audit.models import Model
from interfaces.audit.replay import replay_history, replay_range
from interfaces.audit.scope import WHOLE, Scope
from interfaces.audit.snapshot import Connection, rows
from projections.changes import Changes
from projections.models import PROJECTIONS

CHECKS = ("codec",)

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
    found = rows(connection, _RANGE, within.behind, within.upto, moments_as_numbers=True)
    before = found.pop(0) if within.behind else None
    with tallies.timed("log positions"):
        streams = check_shape(found, before=before, tallies=tallies)
    with tallies.timed("evidence of events") as tally:
        leaves = split(hashes)
        sealed = [(row[0], row[0], leaf_of_row(row)) for row in found if row[0] <= within.behind + len(leaves)]
        check_leaves(sealed, leaves, behind=within.behind, tally=tally)
        tally.count("unsealed", len(found) - len(sealed))
    with tallies.timed("codec") as tally:
        tally.count("events", len(found))
        facts = [fact for row in found if (fact := _decoded(row, tally)) is not None]
        _check_encoding(facts, tally)
    with tallies.timed("claims") as tally:
        check_claims(facts, tally)
    handled = Handled(facts)
    behind, upto = within.behind, None if within.last else within.upto
    if journal is not None:
        check_journal(connection, journal, found, behind=behind, upto=upto, tallies=tallies)
    changes = {
        model.name: replay_range(connection, model, handled, behind=behind, upto=upto, tallies=tallies)
        for model in models
    }
    return Read(within, tallies, streams, changes, leaf_of_row(found[-1]) if found else b"")


def read_again(connection: Connection, within: Range, *, models: tuple[Model, ...], scope: Scope = WHOLE) -> Read:
    """Read a range only for what rests on it: streams that go on behind it, and read models that are compared whole."""
    tallies = Tallies.of(scope)
    found = rows(connection, _RANGE, within.behind, within.upto, moments_as_numbers=True)
    before = found.pop(0) if within.behind else None
    streams = check_shape(found, before=before, tallies=Tallies())
    handled = _handled_by(models)
    with tallies.timed("codec") as tally:
        facts = Handled(fact for row in found if row[3] in handled and (fact := _decoded(row, tally)) is not None)
    return Read(within, tallies, streams, {model.name: replay_history(model, facts, tallies) for model in models})


def end_of(connection: Connection, log_position: int) -> bytes:
    """Return the hash of an event by which the end of a range is known again; of none, nothing."""
    found = rows(connection, _RANGE, log_position, log_position, moments_as_numbers=True)
    return leaf_of_row(found[0]) if found else b""


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
    return Fact(position, tenant, stream, name, index == size, state, event, row, as_written)


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
