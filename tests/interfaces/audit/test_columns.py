"""Whole columns joined by PostgreSQL are those that are joined here only where every value is."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from operator import itemgetter
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.sql import SQL, Placeholder
from psycopg.types.json import Jsonb

from interfaces.audit.columns import Joined, Values
from interfaces.audit.findings import Tally
from interfaces.audit.models import Table, compare_range
from interfaces.audit.snapshot import Connection, one
from interfaces.postgres.configuration import Urls

Change = tuple[int, str, Any]
"""In which row which column is given which value."""

COLUMNS = {
    "tenant": ("text", False),
    "log_position": ("bigint", False),
    "line": ("smallint", False),
    "lines": ("integer", False),
    "note": ("text", False),
    "reverses": ("text", True),
    "units": ("numeric", False),
    "fee": ("numeric", True),
    "at": ("timestamp with time zone", False),
    "metadata": ("jsonb", False),
}
TABLE = Table.of("pg_temp", name="facts", columns=COLUMNS, key=["tenant", "log_position"])
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
EARLY = datetime(1969, 7, 20, 20, 17, 40, 1, tzinfo=UTC)
FIRST: Values = ("acme", 1, 1, 2, "by hand", None, "100", None, NOON, {})
SECOND: Values = (
    "acme",
    2,
    -3,
    70_000,
    "é – \t",
    "e" * 32,
    f"-{10**29}",
    "0",
    EARLY,
    {"z": "", "a b": 'é "\\ \x01', "zz": "1"},
)
ROWS: list[Values] = [
    FIRST,
    SECOND,
    ("acme", 3, 0, 0, "", "", "7", "-1", NOON + timedelta(microseconds=1), {"é": "x", "ab": "y"}),
]


@pytest.fixture
def connection(database: Urls) -> Iterator[Connection]:
    """A connection that has the table, still empty."""
    columns = [f"{name} {kind} {'' if nullable else 'NOT NULL'}" for name, (kind, nullable) in COLUMNS.items()]
    with psycopg.connect(database.owner) as opened:
        opened.execute(f"CREATE TEMP TABLE facts ({', '.join(columns)})".encode())
        yield opened
        opened.rollback()


def fill(connection: Connection, rows: Sequence[Values]) -> None:
    statement = SQL("INSERT INTO facts VALUES ({})").format(SQL(", ").join([Placeholder()] * len(COLUMNS)))
    for row in rows:
        connection.execute(statement, (*row[:-1], Jsonb(row[-1])))


def are_seen_equal(connection: Connection, expected: Sequence[Values]) -> bool:
    query = TABLE.joined()
    assert query is not None
    assert TABLE.forms is not None
    joined = Joined(TABLE.forms)
    joined.take("", expected)
    return joined.equals(one(connection, query, 0, 10))


def test_columns_of_every_type_are_equal_to_themselves(connection: Connection) -> None:
    assert are_seen_equal(connection, [])
    fill(connection, ROWS)
    assert are_seen_equal(connection, ROWS)


CHANGES: dict[str, Change] = {
    "another text": (0, "note", "by hanD"),
    "an empty text for none": (0, "reverses", ""),
    "none for an empty text": (2, "reverses", None),
    "the sign of a text for none": (0, "reverses", "="),
    "another number": (1, "lines", 70_001),
    "a number's sign": (1, "line", 3),
    "one unit": (1, "units", f"-{10**29 + 1}"),
    "zero for none": (0, "fee", "0"),
    "none for zero": (1, "fee", None),
    "a microsecond": (1, "at", EARLY + timedelta(microseconds=1)),
    "another key": (1, "metadata", {"y": "", "a b": 'é "\\ \x01', "zz": "1"}),
    "a key less": (1, "metadata", {"z": "", "zz": "1"}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_one_changed_value_is_seen_and_named(connection: Connection, change: Change) -> None:
    row, column, value = change
    changed = [list(one) for one in ROWS]
    changed[row][list(COLUMNS).index(column)] = value
    fill(connection, [tuple(one) for one in changed])
    assert not are_seen_equal(connection, ROWS)
    tally = Tally("facts")
    compare_range(connection, TABLE, expected=list(ROWS), behind=0, upto=None, tally=tally)
    assert [(finding.log_position, column in finding.what) for finding in tally.findings] == [(row + 1, True)]


def test_a_row_too_many_or_too_few_is_seen(connection: Connection) -> None:
    fill(connection, ROWS[:2])
    assert not are_seen_equal(connection, ROWS)
    assert not are_seen_equal(connection, ROWS[:1])
    assert not are_seen_equal(connection, [])


def test_a_line_feed_does_not_move_a_text_into_the_next_row(connection: Connection) -> None:
    live = [_noted(1, "a\nb"), _noted(2, "c")]
    expected = [_noted(1, "a"), _noted(2, "b\nc")]
    fill(connection, live)
    assert not are_seen_equal(connection, expected)


def test_rows_with_line_feeds_are_compared_one_by_one(connection: Connection) -> None:
    rows = [_noted(1, "a\nb"), _noted(2, "c")]
    fill(connection, rows)
    assert not are_seen_equal(connection, rows)
    tally = Tally("facts")
    compare_range(connection, TABLE, expected=rows, behind=0, upto=None, tally=tally)
    assert (tally.findings, tally.counts) == ([], {"rows": 2})


@given(steps=st.lists(st.tuples(st.sampled_from(["a", "acme", "b"]), st.integers(0, 3)), min_size=1, max_size=12))
def test_rows_that_come_step_by_step_are_joined_as_all_in_their_order(steps: list[tuple[str, int]]) -> None:
    positions = count(1)
    made = [(tenant, [_noted(next(positions), "x", tenant) for _ in range(rows)]) for tenant, rows in steps]
    joined, at_once = Joined(TABLE.forms), Joined(TABLE.forms)
    for tenant, rows in made:
        joined.take(tenant, rows)
    at_once.take("", sorted((row for _, rows in made for row in rows), key=itemgetter(0, 1)))
    assert (joined.count, joined.columns()) == (at_once.count, at_once.columns())


def test_what_cannot_be_joined_in_one_step_is_never_seen_equal() -> None:
    joined, without = Joined(TABLE.forms), Joined(TABLE.forms)
    joined.take("acme", [_noted(1, "a\nb")])
    joined.take("acme", [_noted(2, "c")])
    without.take("acme", [_noted(2, "c")])
    assert not joined.equals((2, *without.columns()))


def test_a_table_with_a_column_of_another_type_is_read_row_by_row() -> None:
    columns = {**COLUMNS, "roles": ("text[]", False)}
    assert Table.of("pg_temp", name="facts", columns=columns, key=["tenant", "log_position"]).joined() is None


def _noted(log_position: int, note: str, tenant: str = "acme") -> Values:
    return tenant, log_position, 1, 2, note, None, "1", None, NOON, {}
