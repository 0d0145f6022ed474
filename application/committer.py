"""The committer: the one writer of a process. It decides queued commands in arrival order and appends them as a group.

Nothing is decided on top of a group that is not committed, and nothing is answered before the commit. Why groups, and
what was tried and dropped: docs/decisions/0002-grouped-appends.md.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import count

import structlog
from psycopg import DatabaseError, InterfaceError, OperationalError
from psycopg.errors import LockNotAvailable

from application.cache import StateCache
from application.commands import Body, Command, Done, KeyReused, QueueFull, StillRunning, Stopped
from application.group import Job, Prepared, prepare
from application.log import Receipt
from application.store import Appended, Connection, Store, append, hold, load, receipts, speak_hex_ids
from application.work import Versioned, Work

log = structlog.get_logger()

MAX_GROUP_COMMANDS = 512
MAX_GROUP_WEIGHT = 2_000
LOSSES_BEFORE_HOLD = 3
JOIN_TIMEOUT_S = 5.0
LOCK_TIMEOUT_S = 5.0

_STUCK_HOLDERS = """
    SELECT pg_terminate_backend(a.pid) FROM pg_locks AS l INNER JOIN pg_stat_activity AS a USING (pid)
    WHERE l.relation = 'log.append_lock'::regclass AND l.granted AND a.pid <> pg_backend_pid()
    AND a.state LIKE 'idle in transaction%' AND a.state_change < clock_timestamp() - interval '4 seconds'
"""


@dataclass(slots=True)
class Statistics:
    """What a committer has done since it started; read by metrics and benchmarks."""

    groups: int = 0
    commands: int = 0
    losses: int = 0
    most_losses: int = 0
    holds: int = 0
    epochs: int = 0


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
        self._connect = connect
        self._store = store
        self._cache = StateCache(cache_capacity)
        self._queue_limit = queue_limit
        self._queue: deque[Job] = deque()
        self._running: dict[str, Job] = {}
        self._wake = asyncio.Event()
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._seen_head = 0
        self.statistics = Statistics()

    async def start(self) -> None:
        """Open the connection and begin to drain the queue."""
        self._connection = await self._open()
        self._task = asyncio.create_task(self._drain(), name="committer")

    async def stop(self) -> None:
        """Finish what is queued, then end."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task
        if self._connection is not None:
            await self._connection.close()

    @property
    def healthy(self) -> bool:
        """Whether commands are still being drained."""
        return self._task is not None and not self._task.done()

    @property
    def waiting(self) -> int:
        """The number of commands that were submitted and not yet answered."""
        return len(self._running)

    async def state(self, stream: str) -> Versioned:
        """Return a stream's committed state as of now, read from the store."""
        return (await self._cache.refresh([stream], self._store.load))[stream]

    async def rehearse(self, command: Command) -> Body:
        """Decide a command on what is committed now and write nothing. Raises the `DomainError` that it would meet."""
        states = await self._cache.refresh(command.reads, self._store.load)
        return command.decide(Work(states))

    async def submit(self, command: Command) -> Done:
        """Do a command once and answer after its commit.

        Raises the `DomainError` of a request that leaves no receipt, `QueueFull`, `StillRunning`, `Stopped`, or
        `KeyReused`.
        """
        twin = self._running.get(command.envelope.command_id)
        if twin is not None:
            return await self._join(twin, command)
        if self._stopping or not self.healthy:
            raise Stopped
        if len(self._running) >= self._queue_limit:
            raise QueueFull
        job = Job(command, asyncio.get_running_loop().create_future())
        self._running[command.envelope.command_id] = job
        job.future.add_done_callback(lambda _: self._running.pop(command.envelope.command_id, None))
        try:
            missing = [stream for stream in command.reads if stream not in self._cache]
            if missing:
                await self._cache.refresh(missing, self._store.load)
        except BaseException:
            job.future.cancel()
            raise
        self._queue.append(job)
        self._wake.set()
        return await asyncio.shield(job.future)

    async def _join(self, twin: Job, command: Command) -> Done:
        if twin.command.envelope.input_hash != command.envelope.input_hash:
            raise KeyReused(key=command.envelope.key)
        try:
            async with asyncio.timeout(JOIN_TIMEOUT_S):
                done = await asyncio.shield(twin.future)
        except TimeoutError:
            raise StillRunning from None
        return Done(receipt=done.receipt, replayed=True)

    async def _drain(self) -> None:
        try:
            while self._queue or not self._stopping:
                if not self._queue:
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                await self._commit(self._next_group())
        finally:
            for job in self._running.copy().values():
                job.fail(Stopped())

    def _next_group(self) -> list[Job]:
        """Take from the queue, in arrival order, what fits into a group; at least one."""
        jobs = [self._queue.popleft()]
        weight = jobs[0].command.weight
        while (
            self._queue
            and len(jobs) < MAX_GROUP_COMMANDS
            and weight + self._queue[0].command.weight <= MAX_GROUP_WEIGHT
        ):
            job = self._queue.popleft()
            weight += job.command.weight
            jobs.append(job)
        return jobs

    async def _commit(self, jobs: Sequence[Job]) -> None:
        """Bring a group to an end: appended, answered from receipts, or refused as broken one by one."""
        for losses in count():
            if not jobs:
                return
            try:
                jobs = await self._attempt(jobs, held=losses >= LOSSES_BEFORE_HOLD)
            except LockNotAvailable:
                await self._free_the_lock()
            except (OperationalError, InterfaceError):
                log.warning("committer.answer_lost", commands=len(jobs), exc_info=True)
                await self._reconnect()
            except DatabaseError as error:
                await self._isolate(jobs, error)
                return
            self.statistics.most_losses = max(self.statistics.most_losses, losses)

    async def _isolate(self, jobs: Sequence[Job], error: DatabaseError) -> None:
        """Find the command whose events the database refuses, which is our own bug, so that only that one fails."""
        log.error("committer.group_refused", commands=len(jobs), error=str(error))
        if len(jobs) == 1:
            jobs[0].fail(error)
            return
        for job in jobs:
            await self._commit([job])

    async def _attempt(self, jobs: Sequence[Job], *, held: bool) -> Sequence[Job]:
        """Decide and append once. Return the jobs that must be decided again."""
        assert self._connection is not None
        if not held:
            states = await self._states(jobs)
            prepared = prepare(jobs, states, self._seen_head)
            return await self._settle(prepared, await append(self._connection, prepared.group))
        self.statistics.holds += 1
        connection = self._connection
        async with connection.transaction():
            await hold(connection)
            streams = {stream for job in jobs for stream in job.command.reads}
            states = await self._cache.refresh(streams, lambda wanted: load(connection, wanted))
            prepared = prepare(jobs, states, self._seen_head)
            appended = await append(connection, prepared.group)
        return await self._settle(prepared, appended)

    async def _states(self, jobs: Sequence[Job]) -> dict[str, Versioned]:
        states: dict[str, Versioned] = {}
        missing: list[str] = []
        for job in jobs:
            for stream in job.command.reads:
                if stream not in states:
                    entry = self._cache.get(stream)
                    if entry is None:
                        missing.append(stream)
                    else:
                        states[stream] = entry
        if missing:
            states |= await self._cache.refresh(missing, self._store.load)
        return states

    async def _settle(self, prepared: Prepared, appended: Appended) -> Sequence[Job]:
        """Answer what is done; return what is not."""
        self._seen_head = max(self._seen_head, appended.head)
        match appended.outcome:
            case "appended":
                self._accept(prepared, appended)
                return ()
            case "receipts":
                return await self._answer_from_receipts(prepared.jobs, appended.detail or ())
            case "moved":
                self.statistics.losses += 1
                await self._cache.refresh(appended.detail or (), self._store.load)
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
        prepared.answer(appended)

    async def _answer_from_receipts(self, jobs: Sequence[Job], command_ids: Sequence[str]) -> Sequence[Job]:
        """Answer what was done before: by an equal request elsewhere, or by our own attempt whose answer was lost."""
        assert self._connection is not None
        found = await receipts(self._connection, [command_id.replace("-", "") for command_id in command_ids])
        touched: set[str] = set()
        remaining: list[Job] = []
        for job in jobs:
            receipt = found.get(job.command.envelope.command_id)
            if receipt is None:
                remaining.append(job)
                continue
            touched.update(job.command.reads)
            self._answer_again(job, receipt)
        await self._cache.refresh(touched, self._store.load)
        return remaining

    @staticmethod
    def _answer_again(job: Job, receipt: Receipt) -> None:
        if receipt.input_hash == job.command.envelope.input_hash:
            job.answer(Done(receipt=receipt, replayed=True))
        else:
            job.fail(KeyReused(key=job.command.envelope.key))

    async def _free_the_lock(self) -> None:
        """End a session that holds the append lock and does nothing. What it did is not committed: nothing is lost."""
        assert self._connection is not None
        cursor = await self._connection.execute(_STUCK_HOLDERS)
        log.error("committer.lock_freed", terminated=len(await cursor.fetchall()))

    async def _open(self) -> Connection:
        connection = await self._connect()
        speak_hex_ids(connection)
        await connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT_S:g}s'")
        return connection

    async def _reconnect(self) -> None:
        """Wait until the database answers again. What was sent may have been committed: its receipts will tell."""
        assert self._connection is not None
        await self._connection.close()
        for attempt in count():
            try:
                self._connection = await self._open()
            except (OperationalError, InterfaceError):
                if self._stopping and attempt > 20:  # noqa: PLR2004
                    raise
                await asyncio.sleep(min(0.05 * 2**attempt, 1.0))
            else:
                return
