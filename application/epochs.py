"""Epochs of the log: a log that was restored goes on from an earlier moment than somebody has seen.

Writers find that out by themselves and drop their caches. Whatever follows the log stops until an operator has
confirmed the epoch: only a person can know what was done outside in the time that the log has lost.
"""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from application.store import Connection

_COLUMNS = "number, log_position, reason, begun_at, begun_by, confirmed_at, confirmed_by"
_LIST = f"SELECT {_COLUMNS} FROM log.epochs ORDER BY number"
_OPEN = f"SELECT {_COLUMNS} FROM log.epochs WHERE confirmed_at IS NULL"
_BEGIN = """
    INSERT INTO log.epochs (log_position, reason, begun_by) VALUES (%s, %s, %s)
    ON CONFLICT ((true)) WHERE confirmed_at IS NULL DO NOTHING
"""
_CONFIRM = f"""
    UPDATE log.epochs SET confirmed_at = clock_timestamp(), confirmed_by = %s WHERE confirmed_at IS NULL
    RETURNING {_COLUMNS}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """A restore: the log ended at `log_position` then; nobody follows it before it is confirmed."""

    number: int
    log_position: int
    reason: str
    begun_at: datetime
    begun_by: str
    confirmed_at: datetime | None
    confirmed_by: str | None


async def list_epochs(connection: Connection) -> list[Epoch]:
    """Return all epochs, oldest first; a log that was never restored has none."""
    async with connection.cursor(row_factory=class_row(Epoch)) as cursor:
        return await (await cursor.execute(_LIST)).fetchall()


async def open_epoch(connection: Connection) -> Epoch | None:
    """Return the epoch that waits to be confirmed."""
    async with connection.cursor(row_factory=class_row(Epoch)) as cursor:
        return await (await cursor.execute(_OPEN)).fetchone()


async def begin_epoch(connection: Connection, log_position: int, *, reason: str, by: str) -> None:
    """Begin an epoch, unless one waits to be confirmed already."""
    await connection.execute(_BEGIN, (log_position, reason, by))


async def confirm_epoch(connection: Connection, *, by: str) -> Epoch | None:
    """Confirm the epoch that waits, as the schema's owner; None where none does."""
    async with connection.cursor(row_factory=class_row(Epoch)) as cursor:
        return await (await cursor.execute(_CONFIRM, (by,))).fetchone()
