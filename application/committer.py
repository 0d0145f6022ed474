"""The committer: the one writer of a process. It decides queued commands in arrival order and appends them as a group.

One group is on its way to the log at a time. The next is decided meanwhile, as if that one were committed, but it is
sent only when it is and thrown away when it is not; nothing is answered before its own commit. Why groups, and what was
tried and dropped: docs/decisions/0002-grouped-appends.md.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import cast

import structlog
from psycopg import InterfaceError, OperationalError
from psycopg.errors import LockNotAvailable

from application.cache import StateCache
from application.commands import Body, Command, Done, KeyReused, QueueFull, StillRunning, Stopped
from application.group import Answer, Job, Prepared
from application.log import Receipt
from application.session import RETRY_S, Session
from application.store import Appended, Connection, Store, append, hold, load, receipts
from application.work import Versioned, Work

log = structlog.get_logger()

MAX_GROUP_WEIGHT = 1_000
STEP = 64
LEAST_STEP = 8
"""How many commands are decided, or callers answered, before the connection is looked at again: about half of those
that wait, so that one half is decided while the other is being written."""
LOSSES_BEFORE_HOLD = 3
JOIN_TIMEOUT_S = 5.0


@dataclass(slots=True)
class Statistics:
    """What a committer has done since it started; read by metrics and benchmarks."""

    groups: int = 0
    commands: int = 0
    losses: int = 0
    most_losses: int = 0
    holds: int = 0
    epochs: int = 0


@dataclass(slots=True)
class Flight:
    """A group on its way to the log."""

    prepared: Prepared
    appending: asyncio.Task[Appended]


class Committer:
    """Submits commands of one process. `connect` opens a connection of the application's role in autocommit mode."""

    def __init__(
        self,
        *,
        connect: Callable[[], Awaitable[Connection]],
        store: Store,
        queue_limit: int = 10_000,
        cache_capacity: int = 20_000,
    ) -> None:
        self._session = Session(connect)
        self._store = store
        self._cache = StateCache(cache_capacity)
        self._queue_limit = queue_limit
        self._running: dict[str, Job] = {}
        self._loading: dict[str, asyncio.Task[dict[str, Versioned]]] = {}
        self._queue: deque[Job] = deque()
        self._ahead = Prepared()
        self._flight: Flight | None = None
        self._answers: deque[Answer] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._seen_head = 0
        self.statistics = Statistics()

    async def start(self) -> None:
        """Open the connection and begin to drain the queue."""
        await self._session.open()
        self._task = asyncio.create_task(self._drain(), name="committer")

    async def stop(self) -> None:
        """Finish what is queued, then end."""
        self._stopping = True
        self._wake.set()
        try:
            if self._task is not None:
                await self._task
        finally:
            await self._session.close()

    @property
    def healthy(self) -> bool:
        """Whether commands are still being drained."""
        return self._task is not None and not self._task.done()

    @property
    def head(self) -> int:
        """The last log position this process has seen."""
        return self._seen_head

    @property
    def waiting(self) -> int:
        """The number of commands that were submitted and not yet answered."""
        return len(self._running)

    async def state(self, stream: str) -> Versioned:
        """Return a stream's committed state as of now, read from the store."""
        return (await self._cache.refresh([stream], self._store.load))[stream]

    async def rehearse(self, command: Command) -> Body:
        """Decide a command on what is committed now and write nothing. Raises the `DomainError` that it would meet."""
        return command.decide(Work(await self._cache.refresh(command.reads, self._store.load)))

    async def submit(self, command: Command) -> Done:
        """Do a command once and answer after its commit.

        Raises the `DomainError` of a request that leaves no receipt, `KeyReused`, or a `CommitterError`.
        """
        command_id = command.envelope.command_id
        twin = self._running.get(command_id)
        if twin is not None:
            return await self._join(twin, command)
        if self._stopping or not self.healthy:
            raise Stopped
        if len(self._running) >= self._queue_limit:
            raise QueueFull
        job = Job(command, asyncio.get_running_loop().create_future(), self._running)
        self._running[command_id] = job
        try:
            if missing := [stream for stream in command.reads if stream not in self._cache]:
                await self._load(missing)
        except asyncio.CancelledError:
            job.withdraw()
            raise
        except Exception as error:
            job.fail(error)
            raise
        self._queue.append(job)
        self._wake.set()
        try:
            return await job.future
        except asyncio.CancelledError:
            job.abandon()
            raise

    async def _join(self, twin: Job, command: Command) -> Done:
        """Wait for an equal request that is under way. Raises `KeyReused` or `StillRunning`."""
        if twin.command.envelope.input_hash != command.envelope.input_hash:
            raise KeyReused(key=command.envelope.key)
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + JOIN_TIMEOUT_S
        while self._running.get(command.envelope.command_id) is twin:
            if loop.time() >= give_up_at:
                raise StillRunning
            await asyncio.wait({twin.future}, timeout=give_up_at - loop.time())
        if twin.future.cancelled():
            return await self.submit(command)
        return Done(receipt=twin.future.result().receipt, replayed=True)

    async def _load(self, streams: Iterable[str]) -> dict[str, Versioned]:
        """Return states; a stream that many callers miss at once is loaded for all of them together."""
        states = {stream: self._cache.get(stream) for stream in streams}
        missing = [stream for stream, entry in states.items() if entry is None]
        mine = [stream for stream in missing if stream not in self._loading]
        if mine:
            loading = asyncio.create_task(self._cache.refresh(mine, self._store.load))
            self._loading.update(dict.fromkeys(mine, loading))
            loading.add_done_callback(lambda _: [self._loading.pop(stream) for stream in mine])
        loaded = {stream: self._loading[stream] for stream in missing}
        for stream, loading in loaded.items():
            states[stream] = (await asyncio.shield(loading))[stream]
        return cast("dict[str, Versioned]", states)

    # The loop: one step at a time, and the step that keeps the database busy comes first.

    async def _drain(self) -> None:
        try:
            more = True
            while more:
                more = await self._step()
                await asyncio.sleep(0)  # callers run between the steps
        finally:
            for job in list(self._running.values()):
                job.fail(Stopped())

    async def _step(self) -> bool:
        """Do what is most urgent; return whether there is more to come."""
        if self._flight is None and self._ahead.jobs:
            self._send()
        elif self._flight is not None and self._flight.appending.done():
            await self._land()
        elif self._answers:
            for _ in range(min(STEP, len(self._answers))):
                self._answers.popleft()()
        elif jobs := self._next_jobs():
            await self._decide(jobs)
        elif self._stopping and not (self._queue or self._flight):
            return False
        else:
            self._wake.clear()
            await self._wake.wait()
        return True

    def _next_jobs(self) -> list[Job]:
        """Return the jobs that the group ahead takes next; none where it is full."""
        weight, jobs = self._ahead.weight, list[Job]()
        for job in islice(self._queue, max(LEAST_STEP, min(STEP, len(self._running) // 2))):
            weight += job.command.weight
            if weight > MAX_GROUP_WEIGHT and (jobs or self._ahead.jobs):
                break
            jobs.append(job)
        return jobs

    async def _decide(self, jobs: Sequence[Job]) -> None:
        """Take jobs from the queue into the group ahead, on top of what is committed and what is in flight."""
        try:
            states = await self._load(dict.fromkeys(stream for job in jobs for stream in job.command.reads))
        except (OperationalError, InterfaceError) as error:
            log.warning("committer.cannot_load", error=str(error))
            await asyncio.sleep(RETRY_S)
            return
        except Exception:  # one stream that cannot be read fails who reads it, and nobody else
            log.exception("committer.unreadable_stream")
            await self._fail_unreadable(jobs)
            return
        if self._flight is not None:
            states.update(self._flight.prepared.changes)
        for job in jobs:
            self._queue.popleft()
            self._ahead.decide(job, states)

    async def _fail_unreadable(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            try:
                await self._load(job.command.reads)
            except (OperationalError, InterfaceError):
                return  # the next step asks again
            except Exception as error:  # noqa: BLE001 - whatever it is, its caller is told
                self._queue.remove(job)
                job.fail(error)

    def _send(self) -> None:
        prepared, self._ahead = self._ahead, Prepared()
        prepared.group.seen_head = self._seen_head
        appending = asyncio.create_task(append(self._session.connection, prepared.group))
        appending.add_done_callback(lambda _: self._wake.set())
        self._flight = Flight(prepared, appending)

    async def _land(self) -> None:
        """Take in the group that was in flight. If it was not appended as it stood, what was decided ahead is void."""
        assert self._flight is not None
        flight, self._flight = self._flight, None
        error = flight.appending.exception()
        if error is None and flight.appending.result().outcome == "appended":
            self._accept(flight.prepared, flight.appending.result())
            return
        self._queue.extendleft(reversed(self._ahead.jobs))
        self._ahead = Prepared()
        await self._commit(flight.prepared.jobs, first=flight)

    # When a group did not simply succeed: one at a time, until every caller has an answer.

    async def _commit(self, jobs: Sequence[Job], first: Flight | None = None) -> None:
        """Bring jobs to an end: appended, answered from receipts, or failed one by one."""
        for losses in count():
            if not jobs:
                return
            try:
                if first is not None:
                    flight, first = first, None
                    jobs = await self._settle(flight.prepared, flight.appending.result())
                else:
                    jobs = await self._attempt(jobs, held=losses >= LOSSES_BEFORE_HOLD)
            except LockNotAvailable:
                await self._session.free_the_lock()
            except (OperationalError, InterfaceError):
                log.warning("committer.answer_lost", commands=len(jobs), exc_info=True)
                await self._session.reopen(stopping=lambda: self._stopping)
            except Exception as error:  # what one command brings in must not end the committer
                log.exception("committer.group_refused", commands=len(jobs))
                await self._isolate(jobs, error)
                return
            self.statistics.most_losses = max(self.statistics.most_losses, losses + 1 if jobs else losses)

    async def _attempt(self, jobs: Sequence[Job], *, held: bool) -> Sequence[Job]:
        """Decide and append once. Return the jobs that must be decided again."""
        connection = self._session.connection
        streams = list(dict.fromkeys(stream for job in jobs for stream in job.command.reads))
        if not held:
            states = await self._cache.refresh(streams, self._store.load)
            prepared = self._prepared(jobs, states)
            return await self._settle(prepared, await append(connection, prepared.group))
        self.statistics.holds += 1
        async with connection.transaction():
            await hold(connection)
            states = await self._cache.refresh(streams, lambda wanted: load(connection, wanted))
            prepared = self._prepared(jobs, states)
            appended = await append(connection, prepared.group)
        return await self._settle(prepared, appended)

    def _prepared(self, jobs: Sequence[Job], states: Mapping[str, Versioned]) -> Prepared:
        prepared = Prepared()
        prepared.group.seen_head = self._seen_head
        for job in jobs:
            prepared.decide(job, states)
        return prepared

    async def _settle(self, prepared: Prepared, appended: Appended) -> Sequence[Job]:
        """Answer what is done; return what is not."""
        match appended.outcome:
            case "appended":
                self._accept(prepared, appended)
                return ()
            case "receipts":
                return await self._answer_from_receipts(prepared.jobs, appended.detail or ())
            case "moved":
                self.statistics.losses += 1
                return prepared.jobs
            case "epoch":
                log.error("committer.new_log_epoch", seen=self._seen_head, head=appended.head)
                self.statistics.epochs += 1
                self._cache.clear()
                self._seen_head = appended.head
                return prepared.jobs

    def _accept(self, prepared: Prepared, appended: Appended) -> None:
        self.statistics.groups += 1
        self.statistics.commands += len(prepared.jobs)
        self._seen_head = appended.head + len(prepared.group.event_ids)
        for stream, entry in prepared.changes.items():
            self._cache.put(stream, entry)
        self._answers.extend(prepared.answers(appended))

    async def _answer_from_receipts(self, jobs: Sequence[Job], command_ids: Sequence[str]) -> Sequence[Job]:
        """Answer what was done before: by an equal request elsewhere, or by our own attempt whose answer was lost."""
        found = await receipts(self._session.connection, [command_id.replace("-", "") for command_id in command_ids])
        remaining: list[Job] = []
        for job in jobs:
            receipt = found.get(job.command.envelope.command_id)
            if receipt is None:
                remaining.append(job)
            else:
                _answer_again(job, receipt)
        return remaining

    async def _isolate(self, jobs: Sequence[Job], error: Exception) -> None:
        """Find the command that cannot be done, which is our own bug or an unreadable stream: only that one fails."""
        if len(jobs) == 1:
            jobs[0].fail(error)
            return
        for job in jobs:
            await self._commit([job])


def _answer_again(job: Job, receipt: Receipt) -> None:
    if receipt.input_hash == job.command.envelope.input_hash:
        job.answer(Done(receipt=receipt, replayed=True))
    else:
        job.fail(KeyReused(key=job.command.envelope.key))
