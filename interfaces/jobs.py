"""Puts down what is asked of workers over HTTP; one of them does it (projections/job_runner.py).

An API process has no connection that could change a read model or see all tenants, so it can only ask.
"""

from collections.abc import Sequence

from interfaces.postgres.connections import Pool, writing
from projections.jobs import AnyAct, Job, ask_job


async def put_down(
    source: Pool,
    job: str,
    *,
    tenant: str,
    asked_by: str,
    act: AnyAct,
    models: Sequence[str] = (),
    first: int = 1,
    last: int | None = None,
) -> Job:
    """Put a job down. Raises `JobUnderWay`, `AnotherJob`."""
    async with writing(source, tenant) as connection:
        return await ask_job(
            connection, job, tenant=tenant, asked_by=asked_by, act=act, models=models, first=first, last=last
        )
