"""A background task ends when it is told to, even where a wait swallows the first word."""

import asyncio

import pytest

from application.tasks import end

pytestmark = pytest.mark.anyio


async def test_a_task_that_swallows_cancellations_is_ended() -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while swallowed < 3:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await end(task)
    assert task.done()


async def test_what_a_task_raised_is_not_raised_by_who_ends_it() -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    await end(asyncio.create_task(broken()), asyncio.create_task(asyncio.Event().wait()))
    await end()
