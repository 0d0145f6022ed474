"""The auditor's own journal: what the rows of the model `journal` must be, written down from the stored JSON.

Like the fold beside it, it shares nothing with the model that it is compared with; it has no balances and no rules.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from interfaces.audit.findings import UNREADABLE, Tallies
from interfaces.audit.models import Model, Values, compare_range
from interfaces.audit.snapshot import Connection

MODEL = "journal"
ENTRIES = (
    "tenant", "log_position", "append_end", "recorded_at", "id", "book", "kind", "reference", "occurred_at",
    "effective_at", "actor", "note", "metadata", "reverses",
)  # fmt: skip
POSTINGS = ("tenant", "log_position", "line", "account", "asset", "scale", "units", "effective_at")

Row = tuple[Any, ...]
"""Of an event: append, state, log position, tenant, stream, actor, recorded_at, and the append's last log position."""


def knows(model: Model) -> bool:
    """Tell whether the model has the tables and columns that are written down here."""
    return {name: table.columns for name, table in model.tables.items()} == {"entries": ENTRIES, "postings": POSTINGS}


class Journal:
    """Takes entries in log order, and compares the rows that they make with the live ones, portion by portion."""

    def __init__(self, connection: Connection, model: Model, tallies: Tallies, *, behind: int) -> None:
        self._connection = connection
        self._model = model
        self._tallies = tallies
        self._compared = self._behind = behind

    def compare(self, events: Iterable[Row], facts: Iterable[Any], *, upto: int | None) -> None:
        """Compare what these events and their JSON make with all rows behind the last portion: up to `upto`, or all."""
        if upto is not None and upto <= self._compared:
            return
        made: list[Values] = []
        lines: list[Values] = []
        with self._tallies.timed(self._model.check) as tally:
            for event, fact in zip(events, facts, strict=True):
                if self._behind < event[2] <= self._model.cursor:
                    try:
                        _write_down(event, fact["entry"], entries=made, postings=lines)
                    except UNREADABLE:
                        continue  # The codec's check tells of it.
            for name, expected in (("entries", made), ("postings", lines)):
                table = self._model.tables[name]
                behind = self._compared
                compare_range(self._connection, table, expected=expected, behind=behind, upto=upto, tally=tally)
        self._compared = upto or self._compared


def _write_down(event: Row, entry: dict[str, Any], *, entries: list[Values], postings: list[Values]) -> None:
    _, _, position, tenant, stream, actor, recorded_at, append_end = event
    effective_at = _time(entry["effective_at"])
    row = (
        tenant,
        position,
        append_end,
        recorded_at,
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
