"""Days end once each and in order, however many clocks look and however often they are stopped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from pydantic_core import from_json

from application.committer import Committer
from application.policies.clock import end_days, run_clock
from application.store import Store
from application.streams import TIME_DAYS
from application.tasks import end
from domain.days import DayEnded
from interfaces.postgres.configuration import Urls
from tests.application.memory import Memory
from tests.application.world import committing, until

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class SetClock:
    """A clock that stands still until a test moves it."""

    moment = NOON

    def now(self) -> datetime:
        return self.moment


async def days(store: Store) -> list[str]:
    return [from_json(event.state)["day"] for event in await store.read_stream(TIME_DAYS)]


@asynccontextmanager
async def running(committer: Committer, clock: SetClock) -> AsyncIterator[None]:
    task = asyncio.create_task(run_clock(committer, clock))
    try:
        yield
        assert not task.done(), task.exception()
    finally:
        await end(task)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("application.policies.clock.TICK_S", 0.001)


async def test_the_first_look_ends_yesterday_and_the_next_day_ends_the_day(committer: Committer, store: Store) -> None:
    clock = SetClock()
    async with running(committer, clock):
        await until(lambda: _is(store, "2026-11-19"))
        clock.moment = datetime(2026, 11, 20, 23, 59, 59, 999_999, tzinfo=UTC)
        clock.moment = datetime(2026, 11, 21, tzinfo=UTC)
        await until(lambda: _is(store, "2026-11-19", "2026-11-20"))


async def _is(store: Store, *expected: str) -> bool:
    return await days(store) == list(expected)


async def test_days_that_nobody_watched_are_caught_up_in_order(committer: Committer, store: Store) -> None:
    clock = SetClock()
    async with running(committer, clock):
        await until(lambda: _is(store, "2026-11-19"))
    clock.moment = NOON + timedelta(days=3)
    async with running(committer, clock):
        await until(lambda: _is(store, "2026-11-19", "2026-11-20", "2026-11-21", "2026-11-22"))


async def test_many_clocks_end_a_day_once(database: Urls, committer: Committer, store: Store) -> None:
    clock = SetClock()
    async with committing(database) as other, running(committer, clock), running(other, clock), running(other, clock):
        expected: list[str] = []
        for _ in range(4):
            expected.append(str(clock.moment.date() - timedelta(days=1)))
            await until(lambda: _is(store, *expected))
            clock.moment += timedelta(days=1)
        await until(lambda: _is(store, *expected, "2026-11-23"))


async def test_a_clock_that_goes_back_ends_no_day_again(committer: Committer, store: Store) -> None:
    for moment in (NOON, NOON - timedelta(days=5), NOON, NOON + timedelta(days=1), NOON):
        await committer.submit(end_days(moment))
    assert await days(store) == ["2026-11-19", "2026-11-20"]


def test_a_day_is_a_utc_day() -> None:
    evening_in_new_york = datetime(2026, 11, 20, 20, tzinfo=timezone(timedelta(hours=-5)))
    Memory().when(end_days(evening_in_new_york)).then((TIME_DAYS, DayEnded(day=date(2026, 11, 20))))
