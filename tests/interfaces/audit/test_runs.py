"""A worker's verification in a process of its own: what it says when it cannot begin, cannot go on, or must wait."""

import fcntl
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from interfaces.audit.apart import KEPT
from interfaces.audit.runs import VerificationFailed, VerificationRuns
from interfaces.audit.verify import verify
from interfaces.postgres.configuration import Urls
from interfaces.settings import Settings
from projections.job_runner import JobInterrupted, JobRefused
from projections.jobs import Job
from tests.interfaces.audit.forgery import Books, change
from tests.interfaces.audit.resumed import Interrupted

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 28, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


def a_job(*, first: int = 1, last: int | None = None) -> Job:
    return Job(
        number=1,
        id="c" * 32,
        tenant="acme",
        asked_by="a" * 32,
        act="verify",
        models=[],
        first=first,
        last=last,
        state="running",
        reached=0,
        goal=0,
        answer={},
        asked_at=NOW,
        started_at=NOW,
        ended_at=None,
        seen_at=NOW,
    )


def file_of(settings: Settings, job: Job) -> Path:
    return settings.data / f"verification-{job.id}.progress"


def interrupt(urls: Urls, file: Path, *, last: int) -> None:
    """Leave behind what a run of a killed worker does."""

    def told(done: int, _: int) -> None:
        if done == 4:
            raise Interrupted

    with pytest.raises(Interrupted):
        verify(urls.projector, processes=1, told=told, last=last, kept=KEPT, progress=file)


async def run(urls: Urls, settings: Settings, job: Job) -> tuple[dict[str, Any], list[tuple[int, int]]]:
    """Run a job; return its report and what was told on the way."""
    told: list[tuple[int, int]] = []
    report = await VerificationRuns(settings, url=urls.projector).verify(job, lambda *so_far: told.append(so_far))
    return dict(report), told


async def test_a_run_tells_how_far_it_is_and_goes_on_with_what_is_written_down(
    books: Books, settings: Settings
) -> None:
    job = a_job(last=await books.house.store.head())
    whole, told = await run(books.house.urls, settings, job)
    assert (whole["sound"], whole["taken_over"]) == (True, 0)
    goal = told[-1][1]
    assert told == [(done, goal) for done in range(1, goal + 1)]
    assert not file_of(settings, job).exists()
    interrupt(books.house.urls, file_of(settings, job), last=job.last or 0)
    assert (await run(books.house.urls, settings, job))[0] == {**whole, "taken_over": 4}


async def test_what_was_written_down_about_other_bytes_ends_the_run_and_names_no_path(
    books: Books, settings: Settings
) -> None:
    job = a_job(last=await books.house.store.head())
    interrupt(books.house.urls, file_of(settings, job), last=job.last or 0)
    change(books.house.urls, job.last or 0, old="{", new="{ ")
    with pytest.raises(JobRefused) as refused:
        await run(books.house.urls, settings, job)
    assert refused.value.answer["code"] == "cannot_resume"
    detail = refused.value.answer["detail"]
    assert detail.startswith("what the interrupted run wrote down is not of this log")
    assert str(settings.data) not in detail
    assert not file_of(settings, job).exists()


async def test_a_range_that_a_restored_log_has_not_any_more_is_refused(books: Books, settings: Settings) -> None:
    with pytest.raises(JobRefused) as refused:
        await run(books.house.urls, settings, a_job(last=10**6))
    assert refused.value.answer["code"] == "no_such_range"


async def test_while_the_process_of_a_killed_worker_still_ends_the_run_is_begun_again(
    books: Books, settings: Settings
) -> None:
    job = a_job()
    with file_of(settings, job).open("a+") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        with pytest.raises(JobInterrupted, match="another verification"):
            await run(books.house.urls, settings, job)
    assert file_of(settings, job).exists()
    assert (await run(books.house.urls, settings, job))[0]["sound"]


async def test_a_database_that_is_away_interrupts_the_run(books: Books, settings: Settings, tmp_path: Path) -> None:
    away = f"postgresql://lastro_projector@/nowhere?host={tmp_path}"
    with pytest.raises(JobInterrupted):
        await VerificationRuns(settings, url=away).verify(a_job(), lambda *_: None)
    assert (await run(books.house.urls, settings, a_job()))[0]["sound"]


async def test_a_process_that_ends_without_an_answer_has_failed_and_leaves_nothing(
    books: Books, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.key"
    broken.write_bytes(b64encode(b"too short"))
    settings, job = Settings(data=tmp_path, evidence_key_file=broken), a_job()
    interrupt(books.house.urls, file_of(settings, job), last=10)
    with pytest.raises(VerificationFailed, match="exit status 1"):
        await run(books.house.urls, settings, job)
    assert not file_of(settings, job).exists()
