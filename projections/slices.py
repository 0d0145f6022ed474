"""Reads stretches of the log for those who rebuild: from a position to the end of an append, and no further."""

from collections.abc import AsyncIterator

from application.store import Store
from projections.follower import Follower
from projections.reader import Fact, Slice

BATCH = 2_000


async def slices(store: Store, after: int, end: int) -> AsyncIterator[Slice]:
    """Read the log from behind a position up to `end`, which is the end of an append."""
    while after < end:
        batch = await store.read_after(after, limit=BATCH)
        upto = min(batch.end, end)
        yield Slice([Fact(recorded) for recorded in batch.events if recorded.log_position <= upto], upto)
        after = upto


async def catch_up(follower: Follower, store: Store, end: int) -> None:
    """Bring a follower's generation to a log position; one that is there already stays."""
    async for found in slices(store, follower.progress.log_position, end):
        await follower.apply(found)
    await follower.settle()
