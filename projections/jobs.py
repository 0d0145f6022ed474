"""Work that was asked for over HTTP, on read models or to verify the log: one job at a time, seen only by its tenant.

A worker does it. A job is a row and no event: it changes no fact, and nothing is decided from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg.errors import UniqueViolation
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from application.store import Connection
from projections.paging import LAST, page_of, read_cursor
from projections.reading import Page, fetch

Act = Literal["rebuild", "compare", "switch", "rollback", "drop"]
"""What is asked of read models."""
VERIFY: Literal["verify"] = "verify"
AnyAct = Act | Literal["verify"]
Ended = Literal["done", "refused", "failed"]

_COLUMNS = """
    number, id, tenant, asked_by, act, models, first, last, state, reached, goal, answer, asked_at, started_at,
    ended_at, clock_timestamp() AS seen_at
"""
_ASK = """
    INSERT INTO projection.jobs (id, tenant, asked_by, act, models, first, last) VALUES (%s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (id) DO NOTHING
"""
_FIND = f"SELECT {_COLUMNS} FROM projection.jobs WHERE id = %s"
_LIST = f"""
    SELECT {_COLUMNS} FROM projection.jobs WHERE act = 'verify' AND number < %(before)s
    ORDER BY number DESC LIMIT %(limit)s
"""
_TAKE = f"""
    UPDATE projection.jobs SET state = 'running', started_at = clock_timestamp(), reached = 0, goal = 0
    WHERE state IN ('waiting', 'running') RETURNING {_COLUMNS}
"""
_PROGRESS = "UPDATE projection.jobs SET reached = %s, goal = %s WHERE id = %s AND state = 'running'"
_END = """
    UPDATE projection.jobs SET state = %s, answer = %s, ended_at = clock_timestamp() WHERE id = %s AND state = 'running'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What was asked for, and how far it is: it has `reached` so much of its `goal`, 0 where that is not known yet.

    Of a build these are log positions, of a verification pieces of work. `first` and `last` are the log positions that
    a verification is of, without a last one to the end.
    """

    number: int
    id: str
    tenant: str
    asked_by: str
    act: AnyAct
    models: Sequence[str]
    first: int
    last: int | None
    state: Literal["waiting", "running", "done", "refused", "failed"]
    reached: int
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
    def reached_per_s(self) -> int:
        """How much of the goal is reached per second since it was started."""
        if self.started_at is None:
            return 0
        seconds = ((self.ended_at or self.seen_at) - self.started_at).total_seconds()
        return round(self.reached / max(seconds, 0.001))

    @property
    def eta_s(self) -> int | None:
        """Whole seconds until the goal is reached, at that rate; None where that cannot be told."""
        rate = self.reached_per_s
        return (self.goal - self.reached) // rate if rate and self.goal else None


class JobUnderWay(Exception):
    """Another job waits or runs: they are done one at a time."""


class AnotherJob(Exception):
    """The id is that of a job that was asked for otherwise."""


async def ask_job(
    connection: Connection,
    job: str,
    *,
    tenant: str,
    asked_by: str,
    act: AnyAct,
    models: Sequence[str] = (),
    first: int = 1,
    last: int | None = None,
) -> Job:
    """Put a job down to be done; asked for again under its id it is the same. Raises `JobUnderWay`, `AnotherJob`."""
    try:
        await connection.execute(_ASK, (job, tenant, asked_by, act, list(models), first, last))
    except UniqueViolation:
        raise JobUnderWay from None
    found = await find_job(connection, job)
    assert found is not None
    if (found.act, list(found.models), found.first, found.last) != (act, list(models), first, last):
        raise AnotherJob
    return found


async def find_job(connection: Connection, job: str) -> Job | None:
    """Return one of the tenant's jobs."""
    async with connection.cursor(row_factory=class_row(Job)) as cursor:
        return await (await cursor.execute(_FIND, (job,))).fetchone()


async def list_verifications(
    connection: Connection, *, limit: int, cursor: str | None = None, head: int = 0
) -> Page[Job]:
    """List the verifications that the connection's tenant has asked for, newest first."""
    (before,) = read_cursor(cursor, LAST)
    found = await fetch(connection, Job, _LIST, {"before": before, "limit": limit + 1})
    return page_of(found, limit=limit, log_position=head, cursor_of=lambda one: (one.number,))


async def take_job(connection: Connection) -> Job | None:
    """Return the job to be done now: one that waits, or that a killed worker had begun."""
    async with connection.cursor(row_factory=class_row(Job)) as cursor:
        return await (await cursor.execute(_TAKE)).fetchone()


async def note_progress(connection: Connection, job: str, reached: int, goal: int) -> None:  # noqa: PLR0917 - how far, of how much
    """Write down how far a job is."""
    await connection.execute(_PROGRESS, (reached, goal, job))


async def end_job(connection: Connection, job: str, state: Ended, *, answer: Mapping[str, Any]) -> None:
    """Write down what became of a job."""
    await connection.execute(_END, (state, Jsonb(dict(answer)), job))
