"""Reads and decodes the log once for all followers of a process: who stands at the same position gets the same slice.

A follower that has fallen behind reads for itself until it has caught up with the others.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

from application.codec import decode
from application.log import Batch, Recorded
from application.store import Store
from application.wakeup import Wakeup

BATCH = 1_000
PAUSE_S = 0.02
LONGEST_PAUSE_S = 0.05
"""Least time between two slices: a transaction costs about the same with one event as with fifty. The more comes, the
longer more of it is waited for: a millisecond for each event of the slice before, within these limits."""
KEPT = 8


def pause_s(events: int) -> float:
    """Return how long to wait behind a slice of so many events; not at all where there is more to be read."""
    return 0.0 if events >= BATCH else min(max(PAUSE_S, events / 1_000), LONGEST_PAUSE_S)


class NewLogEpoch(Exception):
    """The log ends before a position that was read from it: it was restored, and read models must be made anew."""


class Fact:
    """A recorded event that is decoded when somebody first wants to know, and then once for all."""

    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded

    @cached_property
    def event(self) -> Any:
        """The event itself. Raises `CannotDecode`."""
        return decode(self.recorded.name, self.recorded.state)


@dataclass(frozen=True, slots=True)
class Slice:
    """Facts in log order up to `end`, which is the end of an append."""

    facts: Sequence[Fact]
    end: int

    def appends(self) -> Iterator["Slice"]:
        """Return each append by itself."""
        for _, group in groupby(self.facts, key=lambda fact: fact.recorded.append_id):
            facts = list(group)
            yield Slice(facts, facts[-1].recorded.append_end)


class Reader:
    """Slices of the log for any number of followers."""

    def __init__(self, store: Store, wakeup: Wakeup) -> None:
        self._store = store
        self._wakeup = wakeup
        self._slices: dict[int, asyncio.Task[Slice]] = {}
        self._next_read = 0.0

    async def after(self, log_position: int) -> Slice:
        """Wait for what comes behind a log position. Raises `NewLogEpoch`."""
        task = self._slices.get(log_position)
        if task is None:
            self._forget()
            task = self._slices[log_position] = asyncio.create_task(self._read(log_position))
            task.add_done_callback(lambda done: self._drop_failed(log_position, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Stop reading; whoever waits is cancelled."""
        for task in self._slices.values():
            task.cancel()
        await asyncio.gather(*self._slices.values(), return_exceptions=True)

    async def _read(self, log_position: int) -> Slice:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._next_read - loop.time())
        while True:
            # Whoever looks first and waits then misses what is told in between.
            woken = asyncio.create_task(self._wakeup.wait())
            try:
                batch = await self._store.read_after(log_position, limit=BATCH)
                if batch.events:
                    self._next_read = loop.time() + pause_s(len(batch.events))
                    return self._slice(log_position, batch)
                head = await self._store.head()
                if head < log_position:
                    raise NewLogEpoch(f"the log ends at {head}, before {log_position}")
                await woken
            finally:
                woken.cancel()

    def _slice(self, log_position: int, batch: Batch) -> Slice:
        """End where another follower's slice begins, so that the two go on together."""
        end = max((start for start in self._slices if log_position < start < batch.end), default=batch.end)
        return Slice([Fact(recorded) for recorded in batch.events if recorded.log_position <= end], end)

    def _forget(self) -> None:
        """Keep the slices of a few steps for followers that are slower than the first."""
        done = [log_position for log_position, task in self._slices.items() if task.done()]
        for log_position in done[:-KEPT]:
            del self._slices[log_position]

    def _drop_failed(self, log_position: int, task: asyncio.Task[Slice]) -> None:
        """Let the next who asks try again."""
        if task.cancelled() or task.exception() is not None:
            self._slices.pop(log_position, None)
