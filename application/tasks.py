"""Ending background tasks for certain."""

import asyncio
from typing import Any

PATIENCE_S = 0.1


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks until they are over; what they raise is not raised here.

    Once is not enough: before Python 3.12 `asyncio.wait_for`, in which database calls wait, swallows a cancellation
    that comes in the same moment as what it waited for.
    """
    waiting = set(tasks)
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=PATIENCE_S)
    await asyncio.gather(*tasks, return_exceptions=True)
