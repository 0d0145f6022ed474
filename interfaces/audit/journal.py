"""The auditor's own journal: what the rows of the model `journal` must be, written down from the stored JSON.

Like the fold beside it, it shares nothing with the model that it is compared with; it has no balances and no rules.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache

from pydantic_core import from_json

from application.store import EVENT_COLUMNS
from interfaces.audit.columns import Joined, Values
from interfaces.audit.facts import time_of
from interfaces.audit.findings import UNREADABLE, Tallies
from interfaces.audit.log import Row
from interfaces.audit.models import LAST, Model, are_joined, compare_range
from interfaces.audit.snapshot import Connection, rows

MODEL = "journal"
_ENTRY = "ledger.entry_posted."
"""How the stored names of entries begin, whatever their version."""
_RANGE = f"""
    SELECT {EVENT_COLUMNS} FROM log.events WHERE notification_id > %s AND notification_id <= %s ORDER BY notification_id
"""  # noqa: S608 - a constant of the store


class JournalRange:
    """What the entries of a range make, joined as they come. Only where that differs are rows looked at one by one."""

    def __init__(self, model: Model, tallies: Tallies) -> None:
        self._model = model
        self._tallies = tallies
        self._joined = {name: Joined(table.forms) for name, table in model.tables.items()}

    def take(self, events: Sequence[Row]) -> None:
        """Write the next events down. They are in the columns of `EVENT_COLUMNS`, their moments as numbers."""
        with self._tallies.timed(self._model.check):
            of_tenants: defaultdict[str, list[Row]] = defaultdict(list)
            for event in events:
                of_tenants[event[6]].append(event)
            for tenant, its_events in of_tenants.items():
                for name, made in _rows(self._model, its_events).items():
                    self._joined[name].take(tenant, made)

    def compare(self, connection: Connection, *, behind: int, upto: int | None) -> None:
        """Compare that with all rows of the range: up to a position, or all behind."""
        with self._tallies.timed(self._model.check) as tally:
            differ = [
                table
                for name, table in self._model.tables.items()
                if not are_joined(connection, table, self._joined[name], behind=behind, upto=upto)
            ]
            for table in self._model.tables.values():
                tally.count("rows", 0 if table in differ else self._joined[table.name].count)
            if differ:
                events = rows(connection, _RANGE, behind, LAST if upto is None else upto, moments_as_numbers=True)
                expected = _rows(self._model, events)
                for table in differ:
                    made = expected[table.name]
                    compare_range(connection, table, expected=made, behind=behind, upto=upto, tally=tally)


def _rows(model: Model, events: Iterable[Row]) -> dict[str, list[Values]]:
    """Return what the entries among these events make, up to the model's cursor."""
    entries: list[Values] = []
    postings: list[Values] = []
    for event in events:
        if event[3].startswith(_ENTRY) and event[0] <= model.cursor:
            try:
                _write_down(event, entries=entries, postings=postings)
            except UNREADABLE:
                continue  # The codec's check tells of it.
    return {"entries": entries, "postings": postings}


def _write_down(event: Row, *, entries: list[Values], postings: list[Values]) -> None:
    entry = from_json(event[4], cache_strings="keys")["entry"]
    position, stream, _, _, _, _, tenant, actor, _, _, _, _, index, size, moment = event
    effective_at = _time(entry["effective_at"])
    row = (
        tenant,
        position,
        position + size - index,
        time_of(moment),
        entry["id"],
        stream.partition(":")[2].removeprefix("book-"),
        entry["kind"],
        entry["reference"],
        _time(entry["occurred_at"]),
        effective_at,
        actor,
        entry["note"],
        entry["metadata"],
        entry["reverses"],
    )
    entries.append(row)
    for number, line in enumerate(entry["postings"], start=1):
        whole, _, decimals = line["amount"].partition(".")
        units = str(int(whole + decimals))
        postings.append((tenant, position, number, line["account"], line["asset"], len(decimals), units, effective_at))


@lru_cache(maxsize=4_096)
def _time(text: str) -> datetime:
    """Return a time; those of an entry are mostly one and the same."""
    return datetime.fromisoformat(text)
