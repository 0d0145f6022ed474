"""Gathers what callers ask for one by one and does it for all of them together, while what came before is being done.

It decides nothing: what is done begins after everybody whom it is done for has asked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True)
class _Batch(Generic[K, V]):
    """Items that are done together, and what ends when they are."""

    items: list[K] = field(default_factory=list)
    done: asyncio.Task[V] | None = None


class Gathering(Generic[K, V]):
    """Does `act` on lists of items, so many at a time; whoever comes meanwhile is of the next list."""

    def __init__(self, act: Callable[[Sequence[K]], Awaitable[V]], *, at_once: int = 1) -> None:
        self._act = act
        self._free = asyncio.Semaphore(at_once)
        self._next: _Batch[K, V] | None = None

    async def take(self, *items: K) -> V:
        """Return what came of the list that the items were in; whatever broke it is raised for all who were."""
        batch = self._next
        if batch is None:
            batch = self._next = _Batch()
            batch.done = asyncio.create_task(self._do(batch))
            batch.done.add_done_callback(_note)
        batch.items += items
        assert batch.done is not None
        return await asyncio.shield(batch.done)  # one of them may leave, the others stay

    async def _do(self, batch: _Batch[K, V]) -> V:
        async with self._free:
            self._next = None
            return await self._act(batch.items)


def _note(done: asyncio.Task[object]) -> None:
    """Look at how it ended: nobody else does where all who asked have left."""
    if not done.cancelled():
        done.exception()
