"""Jobs are done one after the other; what becomes of one is written down, and keeps none from being done."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from application.tasks import end
from interfaces.postgres.connections import writing
from projections import job_runner
from projections.building import Told
from projections.job_runner import JobInterrupted, JobRefused, JobRunner, Work
from projections.jobs import VERIFY, AnotherJob, Job, JobUnderWay, ask_job, find_job
from tests.projections.house import House, name, until

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def doing(house: House, work: Work) -> AsyncIterator[None]:
    """Have a runner beside us."""
    runner = asyncio.create_task(JobRunner(connect=house.connect_projector, work={VERIFY: work}).run())
    try:
        yield
    finally:
        await end(runner)


async def ask(house: House, label: str, *, first: int = 1) -> Job:
    async with writing(house.app, "acme") as connection:
        return await ask_job(connection, name("job", label), tenant="acme", asked_by="a", act=VERIFY, first=first)


async def found(house: House, job: Job) -> Job:
    async with house.reading() as connection:
        known = await find_job(connection, job.id)
    assert known is not None
    return known


async def ended(house: House, job: Job) -> Job:
    async def has_ended() -> bool:
        return (await found(house, job)).has_ended

    await until(has_ended)
    return await found(house, job)


async def test_what_becomes_of_a_job_is_written_down_and_the_next_is_done(house: House) -> None:
    outcomes: list[Any] = [{"found": 1}, JobRefused("not_now", detail="later"), ValueError("a bug"), {"found": 2}]

    async def work(_: Job, told: Told) -> Mapping[str, Any]:
        told(3, 4)
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return dict(outcome)

    async with doing(house, work):
        jobs = [await ended(house, await ask(house, str(number))) for number in range(4)]
    assert [one.state for one in jobs] == ["done", "refused", "failed", "done"]
    assert jobs[1].answer == {"code": "not_now", "detail": "later"}
    assert jobs[2].answer == {"code": "job_failed", "detail": "ValueError"}
    assert [one.answer for one in jobs[::3]] == [{"found": 1}, {"found": 2}]
    assert {(one.reached, one.goal) for one in jobs} == {(3, 4)}


async def test_a_job_that_was_interrupted_is_begun_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_runner, "AGAIN_S", 0.0)
    begun: list[Job] = []

    async def work(job: Job, _: Told) -> Mapping[str, Any]:
        begun.append(job)
        if len(begun) < 3:
            raise JobInterrupted("not yet")
        return {}

    async with doing(house, work):
        job = await ended(house, await ask(house, "again"))
    assert (job.state, [one.id for one in begun]) == ("done", [job.id] * 3)


async def test_a_job_is_asked_for_once_and_no_other_beside_it(house: House) -> None:
    job = await ask(house, "one")
    assert (await ask(house, "one")).number == job.number
    with pytest.raises(AnotherJob):
        await ask(house, "one", first=2)
    with pytest.raises(JobUnderWay):
        await ask(house, "two")
    assert (await found(house, job)).state == "waiting"
