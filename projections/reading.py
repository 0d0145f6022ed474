"""How queries read: rows as values, whole numbers as int, and the log position that an answer is good for.

A query begins with `log_position()`: it reads the model's cursor in the snapshot that the rows come from, and holds the
model's generation until the transaction ends, so that no switch of generations falls between the two.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from psycopg.adapt import Loader
from psycopg.errors import UndefinedTable
from psycopg.rows import kwargs_row
from psycopg.sql import SQL, Identifier

from application.store import Connection
from domain.money import Amount, Asset

T = TypeVar("T")

NO_PARAMETERS: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What was asked for, and the cursor of the model that answered."""

    value: T
    log_position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A part of a list; `next_cursor` is None on the last page."""

    items: tuple[T, ...]
    next_cursor: str | None
    log_position: int


class NotReached(Exception):
    """The model has not read that far: it is behind, not made yet, or the position is ahead of the log."""


class _WholeNumber(Loader):
    """Load numeric as int: sums of smallest units have no decimals, and Lastro has no Decimal."""

    def load(self, data: bytes | bytearray | memoryview) -> int:
        return int(bytes(data))


async def fetch(  # noqa: PLR0917 - connection, query and parameters come in the order that psycopg has them
    connection: Connection, make: Callable[..., T], query: str, parameters: Mapping[str, object] = NO_PARAMETERS
) -> list[T]:
    """Run a query and make a value of each row; `make` takes the columns by their names."""
    cursor = connection.cursor(row_factory=kwargs_row(make))
    cursor.adapters.register_loader("numeric", _WholeNumber)
    with made():
        await cursor.execute(query, parameters)
    return await cursor.fetchall()


def where(conditions: Mapping[str, str], parameters: Mapping[str, object]) -> str:
    """Join the conditions whose parameter is given; None does not matter. At least one is."""
    return " AND ".join(condition for name, condition in conditions.items() if parameters[name] is not None)


async def log_position(connection: Connection, *models: str) -> int:
    """Return the cursor of the model that answers; of several the least, for up to there all of them have read.

    Raises `NotReached` when there is no model yet.
    """
    cursors = SQL(", ").join(
        SQL("(SELECT log_position FROM {})").format(Identifier("read", f"{model}_cursor")) for model in models
    )
    with made():
        cursor = await connection.execute(SQL("SELECT least({})").format(cursors))
    row = await cursor.fetchone()
    assert row is not None
    assert row[0] is not None, f"the live generation of {models} is younger than this transaction"
    return int(row[0])


def amount(*, units: int, scale: int, asset: str) -> Amount:
    """Return an amount from the three columns that hold one."""
    return Amount(units, Asset(asset, scale))


@contextmanager
def made() -> Iterator[None]:
    """Say that views are missing as long as no worker has ever started: it makes them then."""
    try:
        yield
    except UndefinedTable as error:
        raise NotReached("the read models are made when the first worker starts") from error
