"""The part of a worker that does the jobs: what administrators ask for, as long as it changes no row that anybody sees.

Whoever acts for one tenant switches, goes back and drops only between equal generations (docs/decisions/0028). A job
whose worker was killed is done again from its beginning by the next.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal

import structlog
from psycopg import InterfaceError, OperationalError

from application.store import Connection, Store
from application.wakeup import POLL_S
from projections.building import Connect
from projections.generations import Generation, RebuildRefused
from projections.jobs import Act, Job, end_job, note_progress, take_job
from projections.models import Projection
from projections.rebuild import GenerationsDiffer
from projections.upkeep import Upkeep, projections_of

log = structlog.get_logger()

NOTE_S = 0.25
"""How often progress is written down."""

_LEASE = "SELECT pg_try_advisory_lock(hashtextextended('lastro.jobs', 0))"


class JobRunner:
    """Does one job after the other until it is cancelled; of several workers one does them."""

    def __init__(self, *, connect: Connect, store: Store) -> None:
        self._connect = connect
        self._upkeep = Upkeep(connect=connect, store=store)

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
        outcome: Literal["done", "refused", "failed"]
        answer: Mapping[str, Any]
        try:
            answer = await self._act(job, projections_of(job.models), reached)
        except (OperationalError, InterfaceError):
            raise
        except GenerationsDiffer as error:
            outcome, answer = "refused", {"code": "generations_differ", **_differing(error, job.tenant)}
        except RebuildRefused as error:
            outcome, answer = "refused", {"code": "upkeep_refused", "detail": str(error)}
        except Exception as error:  # one job that fails must not keep the next from being done
            log.exception("job.failed", job=job.id)
            outcome, answer = "failed", {"code": "upkeep_failed", "detail": f"{type(error).__name__}"}
        else:
            outcome = "done"
        finally:
            reached.is_last = True
            await noting
        await end_job(connection, job.id, outcome, answer=answer)
        log.info("job.ended", job=job.id, state=outcome)

    async def _act(self, job: Job, projections: Sequence[Projection], reached: "_Reached") -> Mapping[str, Any]:
        upkeep = self._upkeep
        acts: Mapping[Act, Callable[[], Awaitable[Mapping[str, Any]]]] = {
            "rebuild": lambda: _named("live", upkeep.rebuild(projections, reached.told)),
            "compare": lambda: self._compare(job.tenant, projections),
            "switch": lambda: _named("live", upkeep.switch(projections)),
            "rollback": lambda: _named("live", upkeep.roll_back(projections, only_equal=True)),
            "drop": lambda: _named("dropped", upkeep.drop(projections, only_equal=True)),
        }
        return await acts[job.act]()

    async def _compare(self, tenant: str, projections: Sequence[Projection]) -> Mapping[str, Any]:
        compared = await self._upkeep.compare(projections)
        return {
            "compared": [
                {
                    "model": one.model,
                    "generation": one.other,
                    "equal": not one.differences,
                    "differences": _own(one.differences, tenant),
                }
                for one in compared
            ]
        }


class _Reached:
    """How far a build is, as it was last told."""

    log_position = 0
    goal = 0
    is_last = False

    def told(self, log_position: int, goal: int) -> None:
        """Take in how far it is."""
        self.log_position, self.goal = log_position, goal


async def _keep_noting(connection: Connection, job: str, reached: _Reached) -> None:
    """Write down how far it is, the last time when it is over."""
    noted = 0
    while noted != reached.log_position or not reached.is_last:
        if reached.log_position != noted:
            noted = reached.log_position
            await note_progress(connection, job, noted, reached.goal)
        else:
            await asyncio.sleep(NOTE_S)


async def _named(name: str, doing: Awaitable[Sequence[Generation]]) -> Mapping[str, Any]:
    return {name: [one.schema for one in await doing]}


def _differing(error: GenerationsDiffer, tenant: str) -> dict[str, Any]:
    return {"generation": error.candidate.schema, "differences": _own(error.differences, tenant)}


def _own(differences: Sequence[Any], tenant: str) -> list[dict[str, Any]]:
    """Return the rows that are the tenant's; of others nothing is said but that there is a difference."""
    return [
        {"table": one.table, "only_in": one.only_in, "row": dict(one.row)}
        for one in differences
        if one.row["tenant"] == tenant
    ]
