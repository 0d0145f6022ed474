"""Work on read models that was asked for over HTTP: one job at a time, done by a worker, seen only by its tenant.

A job is a row and no event: it changes no fact, and nothing is decided from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg.errors import UniqueViolation
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from application.store import Connection

Act = Literal["rebuild", "compare", "switch", "rollback", "drop"]

_COLUMNS = """
    id, tenant, asked_by, act, models, state, log_position, goal, answer, asked_at, started_at, ended_at,
    clock_timestamp() AS seen_at
"""
_ASK = """
    INSERT INTO projection.jobs (id, tenant, asked_by, act, models) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (id) DO NOTHING
"""
_FIND = f"SELECT {_COLUMNS} FROM projection.jobs WHERE id = %s"
_TAKE = f"""
    UPDATE projection.jobs SET state = 'running', started_at = clock_timestamp(), log_position = 0, goal = 0
    WHERE state IN ('waiting', 'running') RETURNING {_COLUMNS}
"""
_PROGRESS = "UPDATE projection.jobs SET log_position = %s, goal = %s WHERE id = %s AND state = 'running'"
_END = """
    UPDATE projection.jobs SET state = %s, answer = %s, ended_at = clock_timestamp() WHERE id = %s AND state = 'running'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What was asked for, and how far it is: `log_position` of `goal` while something is being built."""

    id: str
    tenant: str
    asked_by: str
    act: Act
    models: Sequence[str]
    state: Literal["waiting", "running", "done", "refused", "failed"]
    log_position: int
    goal: int
    answer: Mapping[str, Any]
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    seen_at: datetime

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.ended_at is not None

    @property
    def events_per_s(self) -> int:
        """Events read per second since it was started."""
        if self.started_at is None:
            return 0
        seconds = ((self.ended_at or self.seen_at) - self.started_at).total_seconds()
        return round(self.log_position / max(seconds, 0.001))

    @property
    def eta_s(self) -> int | None:
        """Whole seconds until the log is read, at that rate; None where that cannot be told."""
        rate = self.events_per_s
        return (self.goal - self.log_position) // rate if rate and self.goal else None


class UpkeepUnderWay(Exception):
    """Another job waits or runs: generations are looked after one job at a time."""


async def ask_job(connection: Connection, job: str, *, tenant: str, asked_by: str, act: Act, models: list[str]) -> Job:
    """Put a job down to be done; asked for again under its id it is the same job. Raises `UpkeepUnderWay`."""
    try:
        await connection.execute(_ASK, (job, tenant, asked_by, act, models))
    except UniqueViolation:
        raise UpkeepUnderWay from None
    found = await find_job(connection, job)
    assert found is not None
    return found


async def find_job(connection: Connection, job: str) -> Job | None:
    """Return one of the tenant's jobs."""
    async with connection.cursor(row_factory=class_row(Job)) as cursor:
        return await (await cursor.execute(_FIND, (job,))).fetchone()


async def take_job(connection: Connection) -> Job | None:
    """Return the job to be done now: one that waits, or that a killed worker had begun."""
    async with connection.cursor(row_factory=class_row(Job)) as cursor:
        return await (await cursor.execute(_TAKE)).fetchone()


async def note_progress(connection: Connection, job: str, log_position: int, goal: int) -> None:  # noqa: PLR0917 - how far, of how much
    """Write down how far a job is."""
    await connection.execute(_PROGRESS, (log_position, goal, job))


async def end_job(
    connection: Connection, job: str, state: Literal["done", "refused", "failed"], *, answer: Mapping[str, Any]
) -> None:
    """Write down what became of a job."""
    await connection.execute(_END, (state, Jsonb(dict(answer)), job))
