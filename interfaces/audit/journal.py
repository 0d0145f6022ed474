"""The auditor's own journal: what the rows of the model `journal` must be, written down from the stored JSON.

Like the fold beside it, it shares nothing with the model that it is compared with; it has no balances and no rules.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from pydantic_core import from_json

from interfaces.audit.facts import time_of
from interfaces.audit.findings import UNREADABLE, Tallies
from interfaces.audit.log import Row
from interfaces.audit.models import Model, Values, compare_range
from interfaces.audit.snapshot import Connection

MODEL = "journal"
_ENTRY = "ledger.entry_posted."
"""How the stored names of entries begin, whatever their version."""


def check_journal(
    connection: Connection, model: Model, events: Iterable[Row], *, behind: int, upto: int | None, tallies: Tallies
) -> None:
    """Compare what the entries among these events make with all rows of their range: up to a position, or all behind.

    Events are in the columns of `EVENT_COLUMNS`, their moments as numbers.
    """
    entries: list[Values] = []
    postings: list[Values] = []
    with tallies.timed(model.check) as tally:
        for event in events:
            if event[3].startswith(_ENTRY) and event[0] <= model.cursor:
                try:
                    entry = from_json(event[4], cache_strings="keys")["entry"]
                    _write_down(event, entry, entries=entries, postings=postings)
                except UNREADABLE:
                    continue  # The codec's check tells of it.
        for name, expected in (("entries", entries), ("postings", postings)):
            table = model.tables[name]
            compare_range(connection, table, expected=expected, behind=behind, upto=upto, tally=tally)


def _write_down(event: Row, entry: dict[str, Any], *, entries: list[Values], postings: list[Values]) -> None:
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
