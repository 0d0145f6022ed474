"""The committer: the one writer of a process. It decides queued commands in arrival order and appends them as a group.

While one group is on its way to the log the next is decided as if that one were committed, and sent behind it where no
other process appends: the database takes it only directly behind the other. Nothing is answered before its own commit.
Why groups, and what was tried and dropped: docs/decisions/0002-grouped-appends.md and 0011.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice

import structlog
from psycopg import InterfaceError, OperationalError
from psycopg.errors import LockNotAvailable

from application.cache import StateCache
from application.commands import Body, Command, Done, KeyReused, QueueFull, StillRunning, Stopped
from application.flight import Flight
from application.group import Answer, Job, Prepared
from application.loading import Loading
from application.session import RETRY_S, Session
from application.store import Appended, Connection, Group, Store, append, hold, load, receipts
from application.work import Versioned, Work

log = structlog.get_logger()

MAX_GROUP_WEIGHT = 1_000
STEP = 32
LEAST_STEP = 8
"""How many events are decided, or callers answered, before the connections are looked at again: about half of the
commands that wait, so that one half is decided while the other is being written."""
LARGE = 400
"""Of so many events a group is sent behind another although more commands wait: the database checks it meanwhile."""
FLIGHTS = 2
"""How many groups are under way at once: while one is being flushed to disk, the database checks the next."""
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
        self._sessions = tuple(Session(connect) for _ in range(FLIGHTS))
        self._cache = StateCache(cache_capacity)
        self._queue_limit = queue_limit
        self._running: dict[str, Job] = {}
        self._loading = Loading(self._cache, store)
        self._queue: deque[Job] = deque()
        self._ahead = Prepared()
        self._flights: deque[Flight] = deque()
        self._alone = True
        self._answers: deque[Answer] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._seen_head = 0
        self._last_command: str | None = None
        self._last_number = 0
        self.statistics = Statistics()

    async def start(self) -> None:
        """Open the connections and begin to drain the queue."""
        for session in self._sessions:
            await session.open()
        self._task = asyncio.create_task(self._drain(), name="committer")

    async def stop(self) -> None:
        """Finish what is queued, then end."""
        self._stopping = True
        self._wake.set()
        try:
            if self._task is not None:
                await self._task
        finally:
            for session in self._sessions:
                await session.close()

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
        return (await self._loading.current([stream]))[stream]

    async def rehearse(self, command: Command) -> Body:
        """Decide a command on what is committed now and write nothing. Raises the `DomainError` that it would meet."""
        return command.decide(Work(await self._loading.current(command.reads)))

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
            if missing := self._cache.missing(command.reads):
                await self._loading.known(missing)
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
        if self._ahead.jobs and self._may_send():
            self._send()
        elif self._flights and self._flights[0].appending.done():
            await self._land()
        elif self._answers:
            for _ in range(min(STEP, len(self._answers))):
                self._answers.popleft()()
        elif jobs := self._next_jobs():
            await self._decide(jobs)
        elif self._stopping and not (self._queue or self._flights):
            return False
        else:
            self._wake.clear()
            await self._wake.wait()
        return True

    def _next_jobs(self) -> list[Job]:
        """Return the jobs that the group ahead takes next; none where it is full."""
        full, jobs = MAX_GROUP_WEIGHT - self._ahead.weight, list[Job]()
        step = max(LEAST_STEP, min(STEP, len(self._running) // 2))
        for job in islice(self._queue, step):
            full -= job.command.weight
            if full < 0 and (jobs or self._ahead.jobs):
                break
            jobs.append(job)
            step -= job.command.weight
            if step <= 0:
                break
        return jobs

    async def _decide(self, jobs: Sequence[Job]) -> None:
        """Take jobs from the queue into the group ahead, on top of what is committed and of what is under way."""
        try:
            states = await self._loading.known(dict.fromkeys(stream for job in jobs for stream in job.command.reads))
        except (OperationalError, InterfaceError) as error:
            log.warning("committer.cannot_load", error=str(error))
            await asyncio.sleep(RETRY_S)
            return
        except Exception:  # one stream that cannot be read fails who reads it, and nobody else
            log.exception("committer.unreadable_stream")
            await self._fail_unreadable(jobs)
            return
        for flight in self._flights:
            states.update(flight.prepared.changes)
        for job in jobs:
            self._queue.popleft()
            self._ahead.decide(job, states)

    async def _fail_unreadable(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            try:
                await self._loading.known(job.command.reads)
            except (OperationalError, InterfaceError):
                return  # the next step asks again
            except Exception as error:  # noqa: BLE001 - whatever it is, its caller is told
                self._queue.remove(job)
                job.fail(error)

    def _may_send(self) -> bool:
        """Behind another group only a whole or a large one is sent, and only while nobody else comes in between."""
        if not self._flights:
            return True
        worth_it = not self._queue or self._ahead.weight >= LARGE
        behind = self._alone and worth_it and bool(self._flights[-1].prepared.group.command_ids)
        return behind and len(self._flights) < FLIGHTS and self._is_current(self._ahead.group)

    def _is_current(self, group: Group) -> bool:
        """Tell whether what a group was decided on is known to be as the last command known leaves it."""
        under_way: dict[str, int | None] = {}
        for flight in self._flights:
            under_way.update(flight.leaves)
        return self._cache.currency.holds(group.bases, under_way)

    def _send(self) -> None:
        prepared, self._ahead = self._ahead, Prepared()
        group = prepared.group
        group.seen_head = self._seen_head
        group.done = self._last_number + sum(len(flight.prepared.group.command_ids) for flight in self._flights)
        if self._flights:
            group.after, group.strictly = self._flights[-1].prepared.group.command_ids[-1], True
        elif self._is_current(group):
            group.after = self._last_command
        busy = [flight.session for flight in self._flights]
        session = next(session for session in self._sessions if session not in busy)
        self._flights.append(Flight(prepared, session, self._wake.set))

    async def _land(self) -> None:
        """Take in the first group under way. If it was not appended, what was decided on top of it is void."""
        if self._flights[0].came_too_early(self._last_command):
            return
        flight = self._flights.popleft()
        error = flight.appending.exception()
        if error is None and flight.appending.result().outcome == "appended":
            self._accept(flight.prepared, flight.appending.result())
            return
        self._alone = False
        self._queue.extendleft(reversed(self._ahead.jobs))
        self._ahead = Prepared()
        failed = [flight, *self._flights]
        self._flights.clear()
        await asyncio.wait([one.appending for one in failed])
        for one in failed:
            await self._commit(one.prepared.jobs, first=one)

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
                await self._sessions[0].free_the_lock()
            except (OperationalError, InterfaceError):
                log.warning("committer.answer_lost", commands=len(jobs), exc_info=True)
                await self._reopen()
            except Exception as error:  # what one command brings in must not end the committer
                log.exception("committer.group_refused", commands=len(jobs))
                await self._isolate(jobs, error)
                return
            self.statistics.most_losses = max(self.statistics.most_losses, losses + 1 if jobs else losses)

    async def _reopen(self) -> None:
        """Connect anew, perhaps to a log that was restored meanwhile: what is remembered has to be looked up again."""
        for session in self._sessions:
            await session.reopen(stopping=lambda: self._stopping)
        self._cache.currency.doubt()
        self._last_command = None

    async def _attempt(self, jobs: Sequence[Job], *, held: bool) -> Sequence[Job]:
        """Decide and append once. Return the jobs that must be decided again."""
        connection = self._sessions[0].connection
        streams = list(dict.fromkeys(stream for job in jobs for stream in job.command.reads))
        if not held:
            states = await self._loading.current(streams)
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
        group = prepared.group
        self._alone = appended.head == self._seen_head
        if not self._alone:
            self._cache.currency.doubt()
        self._seen_head = appended.head + len(group.event_ids)
        if group.command_ids:
            self._last_command, self._last_number = group.command_ids[-1], appended.receipt + len(group.command_ids)
        self._cache.appended(prepared.changes, prepared.leaves)
        self._answers.extend(prepared.answers(appended))

    async def _answer_from_receipts(self, jobs: Sequence[Job], command_ids: Sequence[str]) -> Sequence[Job]:
        """Answer what was done before: by an equal request elsewhere, or by our own attempt whose answer was lost."""
        found = await receipts(
            self._sessions[0].connection, [command_id.replace("-", "") for command_id in command_ids]
        )
        remaining: list[Job] = []
        for job in jobs:
            receipt = found.get(job.command.envelope.command_id)
            if receipt is None:
                remaining.append(job)
            else:
                job.answer_from(receipt)
        return remaining

    async def _isolate(self, jobs: Sequence[Job], error: Exception) -> None:
        """Find the command that cannot be done, which is our own bug or an unreadable stream: only that one fails."""
        if len(jobs) == 1:
            jobs[0].fail(error)
            return
        for job in jobs:
            await self._commit([job])
