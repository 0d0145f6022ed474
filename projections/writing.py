"""Writes a batch of changes into a generation: few statements, each with all its rows as one JSON parameter.

The types are those of the table itself. The transaction is the caller's, and so is the search_path that says which
generation is meant; every name in a statement is a constant of a projection's file. Statements are rendered once:
psycopg would do so for each execution.
"""

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

from psycopg.sql import SQL, Composed, Identifier
from pydantic_core import to_json

from application.store import Connection
from projections.changes import Changes, Row, TableChanges

Columns = tuple[str, ...]


async def write(connection: Connection, changes: Changes) -> None:
    """Write changes: what is appended, then what is put, then what is added."""
    for name, table in changes.tables.items():
        if table.appended:
            await _execute(connection, _insert(name), table.appended)
        for columns, rows in _by_columns(table).items():
            await _execute(connection, _put(name, table.key, columns), rows)
        if table.added:
            await _write_sums(connection, name, table)


async def _write_sums(connection: Connection, name: str, table: TableChanges) -> None:
    shapes: defaultdict[tuple[Columns, Columns], list[Row]] = defaultdict(list)
    for one in table.added.values():
        shapes[tuple(one.fixed), tuple(one.deltas)].append({**one.key, **one.fixed, **one.deltas})
    for (fixed, deltas), rows in shapes.items():
        await _execute(connection, _add(name, table.key, (fixed, deltas)), rows)


def _by_columns(table: TableChanges) -> dict[Columns, list[Row]]:
    """Group rows that set the same columns: a row that is only changed keeps what its change does not name."""
    groups: dict[Columns, list[Row]] = {}
    for row in table.put.values():
        groups.setdefault(tuple(column for column in row if column not in table.key), []).append(row)
    return groups


async def _execute(connection: Connection, statement: bytes, rows: Iterable[Row]) -> None:
    await connection.execute(statement, (to_json(rows).decode(),), prepare=True)


@lru_cache
def _insert(table: str) -> bytes:
    insert = SQL("INSERT INTO {table} SELECT * FROM {rows}").format(table=Identifier(table), rows=_rows(table))
    return insert.as_bytes()


@lru_cache
def _put(table: str, key: Columns, columns: Columns) -> bytes:
    changes = SQL(", ").join(SQL("{0} = s.{0}").format(Identifier(column)) for column in columns)
    return _merge(table, key, columns=columns, changes=changes)


@lru_cache
def _add(table: str, key: Columns, columns: tuple[Columns, Columns]) -> bytes:
    fixed, deltas = columns
    changes = SQL(", ").join(SQL("{0} = t.{0} + s.{0}").format(Identifier(column)) for column in deltas)
    return _merge(table, key, columns=(*fixed, *deltas), changes=changes)


def _merge(table: str, key: Columns, *, columns: Columns, changes: Composed) -> bytes:
    """MERGE and not ON CONFLICT: a row that is only changed need not be complete, and a missing one is an error."""
    merge = SQL(
        "MERGE INTO {table} AS t USING {rows} AS s ON {same} "
        "WHEN MATCHED THEN UPDATE SET {changes} WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values})"
    ).format(
        table=Identifier(table),
        rows=_rows(table),
        same=SQL(" AND ").join(SQL("t.{0} = s.{0}").format(Identifier(column)) for column in key),
        changes=changes,
        names=SQL(", ").join(Identifier(column) for column in (*key, *columns)),
        values=SQL(", ").join(Identifier("s", column) for column in (*key, *columns)),
    )
    return merge.as_bytes()


def _rows(table: str) -> Composed:
    return SQL("json_populate_recordset(NULL::{table}, %s::json)").format(table=Identifier(table))
