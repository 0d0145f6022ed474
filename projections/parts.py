"""Shares the parts of a log between this process and another that folds too: two processors for one build.

We take parts from the beginning and the other process from the end, until both meet. So what the other puts and adds
belongs behind all that we have, whoever is faster.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from application.store import Store
from projections.changes import Changes
from projections.generations import Generation

PART = 5_000
"""Events in a part, about."""
WORTH_SHARING = 60_000
"""Events from which on another process pays for its start."""
_HANDED_OUT = 2
"""Parts that are at the other process, so that it never waits until we look."""


class Part(NamedTuple):
    """The events behind one log position and up to another, which is the end of an append."""

    behind: int
    upto: int

    @property
    def events(self) -> int:
        """How many they are."""
        return self.upto - self.behind


Apart = Callable[[Sequence[Generation], Part], Awaitable[list[Changes]]]
"""Folds a part in another process: appended rows go into the generations, what is put and added comes back for each."""


def is_worth_sharing(end: int) -> bool:
    """Tell whether a log that goes so far is folded sooner by two."""
    return end >= WORTH_SHARING


async def parts_of(store: Store, end: int) -> list[Part]:
    """Cut the log up to the end of an append into parts."""
    ends = [0]
    while ends[-1] < end:
        append = await store.read_named(min(ends[-1] + PART, end), (), limit=0)
        ends.append(min(append.end, end))
    return [Part(behind, upto) for behind, upto in pairwise(ends)]


class Shared:
    """The parts that nobody has taken yet, and what came back of those that were taken elsewhere."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = deque(parts)
        self._back: list[tuple[Part, list[Changes]]] = []

    def take(self) -> Part | None:
        """Take the first part that is left."""
        return self._parts.popleft() if self._parts else None

    async def hand_out(self, apart: Apart, generations: Sequence[Generation], told: Callable[[int], None]) -> None:
        """Have the last parts that are left folded elsewhere, and tell how many events were."""
        running: deque[tuple[Part, asyncio.Future[list[Changes]]]] = deque()
        try:
            while self._parts or running:
                while self._parts and len(running) < _HANDED_OUT:
                    part = self._parts.pop()
                    running.append((part, asyncio.ensure_future(apart(generations, part))))
                part, changes = running[0]
                self._back.append((part, await changes))
                running.popleft()
                told(part.events)
        finally:
            for _, changes in running:
                changes.cancel()

    @property
    def back(self) -> list[list[Changes]]:
        """What came back, in the order of the log: of each part the changes of each generation."""
        return [changes for _, changes in sorted(self._back, key=lambda done: done[0])]
