"""Reads stretches of the log for those who rebuild: from a position to the end of an append, and no further.

What nobody wants is not read. The next stretch is asked for before the last is worked on: the server reads meanwhile.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing

from application.log import Batch
from application.store import Store
from application.tasks import end as end_task
from projections.follower import Follower
from projections.generations import RebuildRefused
from projections.reader import Fact, Slice

BATCH = 2_000


async def batches(store: Store, names: Collection[str], *, after: int, upto: int) -> AsyncGenerator[Batch]:
    """Read the events of these names from behind a position up to `upto`, which is the end of an append.

    Raises `RebuildRefused` where the log ends before that: it was taken back meanwhile.
    """
    if after >= upto:
        return
    coming = asyncio.create_task(store.read_named(after, names, limit=BATCH))
    try:
        while after < upto:
            batch = await coming
            if batch.end <= after:
                raise RebuildRefused(f"the log ends at {after}, before {upto}: it was taken back meanwhile")
            after = batch.end
            if after < upto:
                coming = asyncio.create_task(store.read_named(after, names, limit=BATCH))
                await asyncio.sleep(0)  # so that it is sent before the caller takes its time
            events = [one for one in batch.events if one.log_position <= upto] if after > upto else batch.events
            yield Batch(events=events, end=min(after, upto))
    finally:
        await end_task(coming)


async def catch_up(follower: Follower, store: Store, end: int) -> None:
    """Bring a follower's generation to a log position; one that is there already stays."""
    behind = batches(store, follower.handles, after=follower.progress.log_position, upto=end)
    async with aclosing(behind):
        async for batch in behind:
            await follower.apply(Slice([Fact(recorded) for recorded in batch.events], batch.end))
