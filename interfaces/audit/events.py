"""Every event by itself: it decodes strictly and encodes to the same bytes. Then what decoded events are needed for.

One range of the log is read and decoded once, for claims and for all read models.
"""

from dataclasses import dataclass
from typing import Any

from application.codec import CODEC, CannotDecode
from application.log import Recorded
from application.store import EVENT_COLUMNS
from domain.ledger.entry import EntryPosted
from interfaces.audit.claims import check_claims
from interfaces.audit.findings import Tallies, Tally
from interfaces.audit.models import Model
from interfaces.audit.replay import replay_range
from interfaces.audit.snapshot import Connection, rows
from projections.changes import Changes

CHECKS = ("codec",)

_RANGE = f"""
    SELECT {EVENT_COLUMNS} FROM log.events WHERE notification_id > %s AND notification_id <= %s ORDER BY notification_id
"""  # noqa: S608 - a constant of the store


@dataclass(frozen=True, slots=True)
class Range:
    """The events behind one append end and up to another; the last range is open to whatever rows follow."""

    behind: int
    upto: int
    last: bool


@dataclass(frozen=True, slots=True)
class Read:
    """What a range has shown: findings, and changes of read models that only the whole log can be compared with."""

    within: Range
    tallies: Tallies
    changes: dict[str, Changes]


def check_events(connection: Connection, within: Range, models: tuple[Model, ...]) -> Read:
    """Read and check one range of the log."""
    tallies = Tallies({})
    found = rows(connection, _RANGE, within.behind, within.upto)
    with tallies.timed("codec") as tally:
        tally.count("events", len(found))
        facts = [fact for row in found if (fact := _decoded(row, tally)) is not None]
    check_claims(facts, tallies)
    upto = None if within.last else within.upto
    changes = {
        model.name: replay_range(connection, model, facts, behind=within.behind, upto=upto, tallies=tallies)
        for model in models
    }
    return Read(within, tallies, changes)


def _decoded(row: tuple[Any, ...], tally: Tally) -> tuple[Recorded, Any] | None:
    position, stream, version, name, state, event_id, tenant, actor, command, correlation, causation, *rest = row
    try:
        event = CODEC.decode(name, state)
    except CannotDecode as error:
        tally.find(position, f"cannot be decoded: {error}")
        return None
    if name in CODEC.events and CODEC.encode(event) != (name, state):
        tally.find(position, f"{name} is encoded to other bytes today")
    event_id = event_id.hex()
    if isinstance(event, EntryPosted) and event.entry.id != event_id:
        tally.find(position, f"entry {event.entry.id} lies under the event id {event_id}")
    ids = (event_id, tenant, actor, command.hex(), correlation.hex(), causation and causation.hex())
    return Recorded(position, stream, version, name, state, *ids, *rest), event
