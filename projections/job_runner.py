"""The part of a worker that does the jobs: one after the other, whatever they are.

A job whose worker was killed is begun again by the next; how much of it has to be done again is the work's own affair.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from psycopg import InterfaceError, OperationalError

from application.store import Connection
from application.wakeup import POLL_S
from projections.building import Connect, Told
from projections.jobs import AnyAct, Ended, Job, end_job, note_progress, take_job

log = structlog.get_logger()

Work = Callable[[Job, Told], Awaitable[Mapping[str, Any]]]
"""Does a job, tells how far it is, and returns the answer. Raises `JobRefused`, `JobInterrupted`."""

NOTE_S = 0.25
"""How often progress is written down."""
AGAIN_S = 1.0

_LEASE = "SELECT pg_try_advisory_lock(hashtextextended('lastro.jobs', 0))"


class JobRefused(Exception):
    """The job cannot be done as things are; the answer says why, in a code and what belongs to it."""

    def __init__(self, code: str, **said: Any) -> None:
        super().__init__(code)
        self.answer: Mapping[str, Any] = {"code": code, **said}


class JobInterrupted(Exception):
    """Something that passes has ended the work: it is to be begun again."""


class JobRunner:
    """Does one job after the other until it is cancelled; of several workers one does them."""

    def __init__(self, *, connect: Connect, work: Mapping[AnyAct, Work]) -> None:
        self._connect = connect
        self._work = work

    async def run(self) -> None:
        """Look for jobs for ever."""
        async with await self._connect() as connection:
            while await (await connection.execute(_LEASE)).fetchone() != (True,):  # noqa: ASYNC110 - a lock of the database
                await asyncio.sleep(POLL_S)
            while True:
                job = await take_job(connection)
                if job is None:
                    await asyncio.sleep(POLL_S)
                else:
                    await self._do(connection, job)

    async def _do(self, connection: Connection, job: Job) -> None:
        """Do a job and write down what became of it; a lost connection leaves it to be done again."""
        log.info("job.begun", job=job.id, act=job.act, models=list(job.models), tenant=job.tenant)
        reached = _Reached()
        noting = asyncio.create_task(_keep_noting(connection, job.id, reached))
        outcome: Ended
        answer: Mapping[str, Any]
        try:
            answer = await self._work[job.act](job, reached.told)
        except (OperationalError, InterfaceError):
            raise
        except JobInterrupted as error:
            log.warning("job.interrupted", job=job.id, reason=str(error))
            await asyncio.sleep(AGAIN_S)
            return
        except JobRefused as error:
            outcome, answer = "refused", error.answer
        except Exception as error:  # one job that fails must not keep the next from being done
            log.exception("job.failed", job=job.id)
            outcome, answer = "failed", {"code": "job_failed", "detail": f"{type(error).__name__}"}
        else:
            outcome = "done"
        finally:
            reached.is_last = True
            await noting
        await end_job(connection, job.id, outcome, answer=answer)
        log.info("job.ended", job=job.id, state=outcome)


class _Reached:
    """How far a job is, as it was last told."""

    reached = 0
    goal = 0
    is_last = False

    def told(self, reached: int, goal: int) -> None:
        """Take in how far it is."""
        self.reached, self.goal = reached, goal


async def _keep_noting(connection: Connection, job: str, reached: _Reached) -> None:
    """Write down how far it is, the last time when it is over."""
    noted = 0
    while noted != reached.reached or not reached.is_last:
        if reached.reached != noted:
            noted = reached.reached
            await note_progress(connection, job, noted, reached.goal)
        else:
            await asyncio.sleep(NOTE_S)
