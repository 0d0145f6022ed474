"""The live read models as the snapshot has them: their tables, their cursors, and comparison with what replay says.

A model is compared at its own cursor, row for row and column for column.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Self

from psycopg.sql import SQL, Composed, Identifier

from interfaces.audit.columns import Form, Joined, Values, form_of
from interfaces.audit.findings import EVERYBODY, Tallies, Tally
from interfaces.audit.snapshot import Connection, one, portions, rows
from projections.generations import definition_of
from projections.models import PROJECTIONS

_LIVE = """
    SELECT name, number, definition, log_position FROM projection.generations WHERE role = 'live' ORDER BY name
"""
_TABLES = """
    SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum),
        array_agg(format_type(a.atttypid, NULL) ORDER BY a.attnum), array_agg(NOT a.attnotnull ORDER BY a.attnum), (
        SELECT array_agg(k.attname::text ORDER BY array_position(i.indkey::smallint[], k.attnum))
        FROM pg_index AS i INNER JOIN pg_attribute AS k ON k.attrelid = i.indrelid AND k.attnum = ANY(i.indkey)
        WHERE i.indrelid = c.oid AND i.indisprimary
    )
    FROM pg_class AS c INNER JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = to_regnamespace(%s) AND c.relkind = 'r'
    GROUP BY c.oid, c.relname ORDER BY c.relname
"""
_ENDS_APPEND = "SELECT count(*) FROM log.events WHERE notification_id = %s AND append_index = append_size"
_POSITION = "log_position"
_TENANT = "tenant"
LAST = 2**63 - 1
"""Behind every log position."""
_SHOWN = 80
_ALL = SQL("SELECT {} FROM {} ORDER BY {}")
_RANGE = SQL("SELECT {} FROM {} WHERE log_position > %s AND log_position <= %s ORDER BY {}")
_JOINED = SQL("SELECT count(*), {} FROM ({}) AS t")


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a read model: its columns, those of them that are sums, and those of its primary key.

    Sums are compared as text, which is read several times faster than a Decimal. `forms` say how whole columns are
    compared, where all of them can be.
    """

    schema: str
    name: str
    columns: tuple[str, ...]
    sums: frozenset[str]
    key: tuple[str, ...]
    forms: tuple[Form, ...] | None = None

    @classmethod
    def of(cls, schema: str, *, name: str, columns: Mapping[str, tuple[str, bool]], key: Iterable[str]) -> Self:
        """Take a table as the catalogue has it: of each column its type, and whether it may be null."""
        forms = [form_of(kind, nullable=nullable) for kind, nullable in columns.values()]
        known = tuple(form for form in forms if form is not None)
        sums = frozenset(column for column, (kind, _) in columns.items() if kind == "numeric")
        return cls(schema, name, tuple(columns), sums, tuple(key), known if len(known) == len(forms) else None)

    @property
    def in_log_order(self) -> bool:
        """Whether each row belongs to one event and is never changed: then any range of the log can be compared."""
        return self.key[:2] == ("tenant", _POSITION)

    def query(self, form: SQL) -> Composed:
        """Return a query of its rows."""
        columns = [SQL("{}::text" if name in self.sums else "{}").format(Identifier(name)) for name in self.columns]
        key = SQL(", ").join(map(Identifier, self.key))
        return form.format(SQL(", ").join(columns), Identifier(self.schema, self.name), key)

    def joined(self) -> Composed | None:
        """Return a query of how many rows are in a range, and of their joined columns; None where rows are read."""
        if self.forms is None:
            return None
        columns = [
            form.joined_there.format(Identifier(name)) for form, name in zip(self.forms, self.columns, strict=True)
        ]
        return _JOINED.format(SQL(", ").join(columns), self.query(_RANGE))

    def key_of(self, row: Values) -> Values:
        """Return the values of a row's key."""
        return tuple(row[self.columns.index(column)] for column in self.key)

    def values(self, row: Mapping[str, Any]) -> Values:
        """Return a row of replay as the database gives it; what it does not name is null."""
        values = [row.get(column) for column in self.columns]
        return tuple(
            str(value) if column in self.sums and value is not None else value
            for column, value in zip(self.columns, values, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Model:
    """The live generation of a read model. `cursor` is how far it says it has read."""

    name: str
    cursor: int
    tables: Mapping[str, Table]

    @property
    def check(self) -> str:
        """The name of this model's check."""
        return check_of(self.name)


def check_of(name: str) -> str:
    """Return the name of the check of a read model."""
    return f"model {name}"


def find_models(connection: Connection, head: int) -> tuple[tuple[Model, ...], Tallies]:
    """Return the models that can be compared, and what is wrong with cursors and definitions."""
    tallies = Tallies({})
    models = []
    with tallies.timed("cursors") as tally:
        for name, number, definition, cursor in rows(connection, _LIVE):
            tally.count("cursors", 1)
            schema = f"{name}_g{number}"
            if cursor > head:
                tally.find(head, f"{schema} has read up to {cursor}, but the log ends at {head}")
            elif cursor and one(connection, _ENDS_APPEND, cursor) == (0,):
                tally.find(cursor, f"the cursor of {schema} is at {cursor}, where no append ends")
            if name not in PROJECTIONS or definition_of(name).digest != definition:
                what = f"{schema} has not the tables of this program: rebuild it"
                tallies[check_of(name)].find(cursor, what, EVERYBODY)
                continue
            tables = [
                Table.of(schema, name=table, columns={column: (kind, null) for column, kind, null in columns}, key=key)
                for table, columns, key in _tables(connection, schema)
            ]
            models.append(Model(name, cursor, {table.name: table for table in tables}))
    return tuple(models), tallies


def _tables(connection: Connection, schema: str) -> Iterator[tuple[str, Iterable[tuple[str, str, bool]], list[str]]]:
    for table, columns, kinds, nullable, key in rows(connection, _TABLES, schema):
        yield table, zip(columns, kinds, nullable, strict=True), key


def leave_out(model: Model, tallies: Tallies) -> None:
    """Say that tables are not compared: their model has read beyond the scope, and they cannot be had as they were."""
    left_out = sum(not table.in_log_order for table in model.tables.values())
    tallies[model.check].count("tables beyond the range, not compared", left_out)


def compare_range(
    connection: Connection, table: Table, *, expected: list[Values], behind: int, upto: int | None, tally: Tally
) -> None:
    """Compare the rows of the events behind one log position and up to another, or all that follow.

    Those that are expected are put into the order of their key, in which PostgreSQL has rows at hand. Where none is
    expected there are mostly none, and nothing to be joined.
    """
    expected.sort(key=itemgetter(*map(table.columns.index, table.key)))
    within = behind, LAST if upto is None else upto
    if table.forms is not None and expected:
        joined = Joined(table.forms)
        joined.take("", expected)
        if are_joined(connection, table, joined, behind=behind, upto=upto):
            tally.count("rows", len(expected))
            return
    live = rows(connection, table.query(_RANGE), *within)
    tally.count("rows", 0)
    _compare(table, {table.key_of(row): row for row in expected}, live, position=behind, tally=tally)


def are_joined(connection: Connection, table: Table, expected: Joined, *, behind: int, upto: int | None) -> bool:
    """Tell whether PostgreSQL joins the rows of a range to the same. False may be wrong: it is if none is expected."""
    query = table.joined() if expected.count else None
    return query is not None and expected.equals(one(connection, query, behind, LAST if upto is None else upto))


def compare_whole(
    connection: Connection, table: Table, *, expected: Iterable[Values], cursor: int, tally: Tally
) -> None:
    """Compare a whole table with the rows that it should have at its model's cursor."""
    live = (row for portion in portions(connection, table.query(_ALL)) for row in portion)
    _compare(table, {table.key_of(row): row for row in expected}, live, position=cursor, tally=tally)


def _compare(
    table: Table, expected: dict[Values, Values], live: Iterable[Values], *, position: int, tally: Tally
) -> None:
    """Find rows that differ, are too many or are missing; one that names no log position is wrong at `position`."""

    def find(row: Values, what: str) -> None:
        own = row[table.columns.index(_POSITION)] if _POSITION in table.columns else position
        whose = row[table.columns.index(_TENANT)] if _TENANT in table.columns else None
        tally.find(own, f"{table.schema}.{table.name}: {what}", whose)

    for row in live:
        tally.count("rows", 1)
        key = table.key_of(row)
        wanted = expected.pop(key, None)
        if wanted is None:
            find(row, f"{_shown(row)} is not in replay")
        elif wanted != row:
            pairs = zip(table.columns, row, wanted, strict=True)
            differences = [
                f"{column} is {_shown(has)}, in replay {_shown(should)}"
                for column, has, should in pairs
                if has != should
            ]
            find(row, f"of {_shown(key)}, {', '.join(differences)}")
    for row in expected.values():
        find(row, f"{_shown(row)} is missing")


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_shown, value))})"
    return f"{value}"[:_SHOWN]
