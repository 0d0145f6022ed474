"""Hashes made of rows of the log are those that were sealed, however much events share with those before them."""

import uuid
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from application.evidence.leaves import StoredEvent, leaf_hash
from interfaces.audit.leaves import Row, leaves_of
from interfaces.audit.snapshot import MOMENT_ZERO

FEW = st.sampled_from(["", "a", "ab", "é", "1"])
NUMBERS = st.sampled_from([-1, 0, 1, 2_047, 2_048, 2**40])
IDS = st.sampled_from([uuid.UUID(int=0), uuid.UUID(int=2**127 + 5)]).map(lambda one: one.bytes)
STATES = st.sampled_from([b"", b"{}", b"{}" * 2_000])
COLUMNS = (
    NUMBERS, FEW, NUMBERS, FEW, STATES, IDS, FEW, FEW, IDS, IDS, st.none() | IDS, NUMBERS, NUMBERS, NUMBERS, NUMBERS,
)  # fmt: skip


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """Return a row, and others that mostly differ from the one before in a single column."""
    found = [draw(st.tuples(*COLUMNS))]
    for changed in draw(st.lists(st.lists(st.integers(0, len(COLUMNS) - 1), max_size=2), max_size=20)):
        row = list(found[-1])
        for column in changed:
            row[column] = draw(COLUMNS[column])
        found.append(tuple(row))
    return found


def _sealed(row: Row) -> bytes:
    """Return the hash as it was sealed: with times and ids as PostgreSQL writes them."""
    position, stream, version, name, state, event, tenant, actor, command, correlation, causation, *numbers = row
    append, index, size, moment = numbers
    since_1970 = MOMENT_ZERO + timedelta(microseconds=moment) - MOMENT_ZERO.replace(year=1970)
    caused_by = None if causation is None else causation.hex()
    return leaf_hash(
        StoredEvent(
            position, stream, version, name, since_1970 // timedelta(microseconds=1), event.hex(), tenant, actor,
            command.hex(), correlation.hex(), caused_by, append, index, size, state,
        )
    )  # fmt: skip


@given(rows())
def test_hashes_of_rows_are_those_that_were_sealed(found: list[Row]) -> None:
    assert leaves_of(found) == [_sealed(row) for row in found]
