"""Puts down what an administrator asks of read models; a worker does it (projections/job_runner.py).

An API process has no connection that could change a read model, so it can only ask.
"""

from interfaces.postgres.connections import Pool, writing
from projections.jobs import Act, Job, ask_job


async def ask_upkeep(source: Pool, job: str, *, tenant: str, asked_by: str, act: Act, models: list[str]) -> Job:
    """Ask for an act on read models. Raises `UpkeepUnderWay`."""
    async with writing(source, tenant) as connection:
        return await ask_job(connection, job, tenant=tenant, asked_by=asked_by, act=act, models=models)
