"""What an event does to a read model: three kinds of change, and a batch of them gathered per table.

Changes are values; who writes them, and how, is decided by the runner (live) and by the rebuild (at once).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

Value = str | int | bool | datetime | list[str] | dict[str, str] | None
Row = Mapping[str, Value]

NOTHING: Mapping[str, Value] = {}


class Append(NamedTuple):
    """A new row, never changed afterwards."""

    table: str
    row: Row


class Put(NamedTuple):
    """Columns set in the row with this key. A row begins with a Put that names all columns that must not be null."""

    table: str
    key: Row
    row: Row


class Add(NamedTuple):
    """Whole numbers added to columns of the row with this key. `fixed` follows from the key and begins a new row."""

    table: str
    key: Row
    deltas: Mapping[str, int]
    fixed: Row = NOTHING


Change = Append | Put | Add
Key = tuple[Value, ...]


@dataclass(slots=True)
class Sum:
    """All that was added to one row."""

    key: Row
    fixed: Row
    deltas: dict[str, int]


@dataclass(slots=True)
class TableChanges:
    """The changes of one table; what met the same row is one change."""

    appended: list[Row] = field(default_factory=list)
    put: dict[Key, dict[str, Value]] = field(default_factory=dict)
    added: dict[Key, Sum] = field(default_factory=dict)
    key: tuple[str, ...] = ()

    def rows(self) -> list[Row]:
        """Return what Put and Add make of an empty table."""
        rows = {key: dict(row) for key, row in self.put.items()}
        for key, one in self.added.items():
            row = rows.setdefault(key, {**one.key, **one.fixed})
            for column, delta in one.deltas.items():
                before = row.get(column, 0)
                assert isinstance(before, int), f"{column} is not a number"
                row[column] = before + delta
        return list(rows.values())


class Changes:
    """The changes of many events, per table, in the order in which tables were first touched."""

    __slots__ = ("tables",)

    def __init__(self) -> None:
        self.tables: dict[str, TableChanges] = {}

    def __bool__(self) -> bool:
        return bool(self.tables)

    def take(self, changes: Iterable[Change]) -> None:
        """Add the changes of events that follow each other in the log."""
        tables = self.tables
        for change in changes:
            table = tables.get(change[0])
            if table is None:
                table = tables[change.table] = TableChanges()
            if isinstance(change, Append):
                table.appended.append(change[1])
            elif isinstance(change, Add):
                _add(table, change)
            else:
                _put(table, change)

    def merge(self, later: "Changes") -> None:
        """Add the changes of later events: what is put wins, what is added is summed."""
        for name, table in later.tables.items():
            known = self.tables.setdefault(name, table)
            if known is table:
                continue
            known.appended.extend(table.appended)
            known.key = known.key or table.key
            for key, row in table.put.items():
                known.put.setdefault(key, {}).update(row)
            for key, more in table.added.items():
                found = known.added.setdefault(key, more)
                if found is not more:
                    for column, delta in more.deltas.items():
                        found.deltas[column] = found.deltas.get(column, 0) + delta

    def take_appended(self, table: str) -> list[Row]:
        """Hand over the appended rows of a table, which are then forgotten here."""
        rows, self.tables[table].appended = self.tables[table].appended, []
        return rows


def _put(table: TableChanges, change: Put) -> None:
    key = tuple(change.key.values())
    row = table.put.get(key)
    if row is None:
        table.key = tuple(change.key)
        row = table.put[key] = {**change.key}
    row.update(change.row)


def _add(table: TableChanges, change: Add) -> None:
    """Add to what was added before. Millions of times in a rebuild: hence unpacked at once, and no methods called."""
    _, named, added, fixed = change
    key = tuple(named.values())
    found = table.added.get(key)
    if found is None:
        table.key = tuple(named)
        table.added[key] = Sum(named, fixed, dict(added))
        return
    deltas = found.deltas
    for column, delta in added.items():
        if column in deltas:
            deltas[column] += delta
        else:
            deltas[column] = delta
