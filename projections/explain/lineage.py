"""Explains the figures of a thing: its events are folded again by its model's own rules, under watch.

What is shown is taken up to the model's cursor, so that an explanation ends with the number that the model shows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from application.codec import decode
from application.log import Recorded
from application.store import Connection
from domain.ledger.entry import EntryPosted, JournalEntry
from domain.money import Amount
from projections.changes import Add, Append, Change, Put, Value
from projections.explain.explanation import BookedAs, Changed, Explanation, How, NothingToExplain, Step, figures_of
from projections.explain.origins import origins_of
from projections.explain.things import THINGS, Names, Table, Thing
from projections.paging import FIRST, read_cursor, write_cursor
from projections.reading import fetch, log_position

_EVENTS = """
    SELECT log_position, stream, version, type AS name, state, event_id, tenant, actor, command_id, correlation_id,
        causation_id, append_id, append_index, append_size, recorded_at
    FROM read.events WHERE {found} AND log_position <= %(upto)s AND type = ANY(%(names)s) ORDER BY log_position
"""


async def explain_thing(
    connection: Connection, tenant: str, kind: str, *, names: Names, limit: int, cursor: str | None = None
) -> Explanation:
    """Explain the figures of a thing of the connection's tenant, oldest event first. Raises `NothingToExplain`."""
    thing = THINGS[kind]
    (start,) = read_cursor(cursor, FIRST)
    position = await log_position(connection, thing.model)
    watched = _Watched(thing, names)
    steps: list[tuple[Recorded, tuple[Changed, ...], BookedAs | None]] = []
    brought: dict[str, Amount] = {}
    for recorded in await _events(connection, thing, of=thing.of(tenant, names), upto=position):
        if len(steps) == start:
            brought = watched.figures
        steps.append(watched.step(recorded))
    if not watched.figures:
        raise NothingToExplain
    shown = steps[start : start + limit]
    origins = await origins_of(connection, [recorded.log_position for recorded, *_ in shown])
    return Explanation(
        subject={"kind": kind, **names},
        figures=figures_of(watched.figures),
        brought_forward=figures_of(brought) if start else (),
        steps=tuple(
            Step(origin=origins[recorded.log_position], changes=changes, entry=entry)
            for recorded, changes, entry in shown
        ),
        next_cursor=write_cursor(start + limit) if len(steps) > start + limit else None,
        log_position=position,
    )


def _booked_as(entry: JournalEntry) -> BookedAs:
    """Return what an explanation says of an entry."""
    return BookedAs(
        id=entry.id,
        kind=entry.kind,
        reference=entry.reference,
        note=entry.note,
        effective_at=entry.effective_at,
    )


async def _events(connection: Connection, thing: Thing, *, of: object, upto: int) -> list[Recorded]:
    names = sorted(thing.folded.handles)
    query = _EVENTS.format(found=thing.found)
    rows = await fetch(connection, dict[str, Any], query, {"of": of, "upto": upto, "names": names})
    return [Recorded(**{name: _text(value) for name, value in row.items()}) for row in rows]


def _text(value: Any) -> Any:
    return value.hex if isinstance(value, UUID) else value


@dataclass(slots=True)
class _Watched:
    """The thing as far as it has been folded: its rows by table and key, and its figures by name."""

    thing: Thing
    names: Names
    rows: dict[tuple[str, tuple[Value, ...]], dict[str, Value]] = field(default_factory=dict)
    amounts: dict[str, Amount] = field(default_factory=dict)
    following: dict[str, Amount] = field(default_factory=dict)

    @property
    def figures(self) -> dict[str, Amount]:
        """All figures as they are now."""
        return self.amounts | self.following

    def step(self, recorded: Recorded) -> tuple[Recorded, tuple[Changed, ...], BookedAs | None]:
        """Fold an event, and say what it did to the figures."""
        event = decode(recorded.name, recorded.state)
        changed: list[Changed] = []
        for change in self.thing.folded.apply(recorded, event):
            for table in self.thing.tables:
                if change.table == table.name and table.belongs(_said(change), self.names):
                    changed += self._fold(table, change)
        changed += self._follow()
        return recorded, tuple(changed), _booked_as(event.entry) if isinstance(event, EntryPosted) else None

    def _fold(self, table: Table, change: Change) -> Iterator[Changed]:
        how, values = _done(change)
        key = (table.name, tuple(change.key.values()) if isinstance(change, Put | Add) else ())
        row = self.rows.setdefault(key, {}) if key[1] else {}
        row.update(_said(change))
        for name, value in values.items():
            before = row.get(name, 0) if how == "added" else 0
            row[name] = before + value if isinstance(before, int) and isinstance(value, int) else value
        for figure, column in table.figures.items():
            units, after = values.get(column.name), row.get(column.name)
            if isinstance(units, int) and isinstance(after, int):
                asset, called = column.asset(row), table.named(figure, row)
                self.amounts[called] = asset.amount(after)
                yield Changed(figure=called, how=how, amount=asset.amount(units), after=asset.amount(after))

    def _follow(self) -> Iterator[Changed]:
        """Say which figures follow from others and are other ones than before; a price of nothing is gone."""
        before, self.following = self.following, {}
        for row in self.rows.values():
            self.following |= self.thing.follows(row)
        for name, amount in self.following.items():
            if before.get(name) != amount:
                yield Changed(figure=name, how="follows", amount=amount, after=amount)


def _done(change: Change) -> tuple[How, Mapping[str, Value]]:
    match change:
        case Add(deltas=deltas):
            return "added", deltas
        case Append(row=row) | Put(row=row):
            return "set", row


def _said(change: Change) -> Mapping[str, Value]:
    """Return the columns that a change sets, those of its key included."""
    match change:
        case Append(row=row):
            return row
        case Put(key=key, row=row):
            return {**key, **row}
        case Add(key=key, fixed=fixed):
            return {**fixed, **key}
