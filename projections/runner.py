"""Runs the read models of a worker: takes leases, starts followers, reports, and stops loudly what cannot go on.

Leases save work and protect nothing: two runners of one generation could not both write (follower.py). One model's
failure never touches another.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog
from psycopg import InterfaceError, OperationalError

from application.store import Connection, Store
from application.tasks import end
from application.wakeup import Wakeup
from projections.cursors import Cursors
from projections.follower import Follower, Progress, is_passing
from projections.generations import Generation, RebuildRefused, ensure_generations, list_generations
from projections.models import PROJECTIONS, Projection
from projections.reader import Reader
from projections.rebuild import clear_abandoned, rebuild
from projections.reports import Report, forget_reports, write_reports

log = structlog.get_logger()

ROUND_S = 1.0
"""How often leases are asked for, the lease connection is pinged, and reports are written."""
PING_LIMIT_S = 5.0

_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('lastro.projection.' || %s, 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('lastro.projection.' || %s, 0))"


class OutdatedTables(Exception):
    """The generation's tables are of another definition than the program's; a rebuild makes a new generation."""


@dataclass(slots=True)
class _Held:
    """A generation whose lease this process has, and the task that follows it."""

    task: asyncio.Task[None]
    progress: Progress


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all followers of a process use together."""

    reader: Reader
    cursors: Cursors


class ProjectionRunner:
    """The read models of one process. `connect` opens connections of the projector's role in autocommit mode.

    `store` reads through a pool of that role; `wakeup` listens on `lastro_log`.
    """

    def __init__(
        self,
        *,
        connect: Callable[[], Awaitable[Connection]],
        store: Store,
        wakeup: Wakeup,
        projections: Iterable[Projection] = tuple(PROJECTIONS.values()),
    ) -> None:
        self._connect = connect
        self._store = store
        self._wakeup = wakeup
        self._projections = {projection.name: projection for projection in projections}
        self._held: dict[str, _Held] = {}

    @property
    def progress(self) -> dict[str, Progress]:
        """How far each generation of this process is."""
        return {schema: held.progress for schema, held in self._held.items()}

    async def run(self) -> None:
        """Run for ever. A lost lease connection stops all work until there is a new one."""
        while True:
            try:
                async with await self._connect() as connection:
                    await self._work(connection)
            except (OperationalError, InterfaceError, TimeoutError) as error:
                log.warning("projections.leases_lost", error=repr(error))
            await asyncio.sleep(ROUND_S)

    async def _work(self, connection: Connection) -> None:
        shared = _Shared(Reader(self._store, self._wakeup), Cursors(self._connect))
        making: asyncio.Task[None] | None = None
        try:
            if missing := await ensure_generations(connection, self._projections):
                making = asyncio.create_task(self._make(missing), name="new-models")
            while True:
                async with asyncio.timeout(PING_LIMIT_S):
                    await self._round(connection, shared)
                await asyncio.sleep(ROUND_S)
        finally:
            if making is not None:
                await end(making)
            await self._let_go(*self._held)
            await shared.reader.close()
            await shared.cursors.close()

    async def _make(self, names: Sequence[str]) -> None:
        """Build models that came with a new program from the whole log, before anybody can read them."""
        log.info("projection.new", projections=list(names))
        try:
            await rebuild([self._projections[name] for name in names], connect=self._connect, store=self._store)
        except RebuildRefused as error:
            log.info("projection.made_by_another", reason=str(error))
        except Exception as error:
            if is_passing(error):
                log.warning("projection.not_made", projections=list(names), error=repr(error))
            else:
                log.exception("projection.cannot_be_made", projections=list(names))

    async def _round(self, connection: Connection, shared: _Shared) -> None:
        """Look after what is held, take what is free, clear what was abandoned, and say how everything stands."""
        for dropped in await clear_abandoned(connection):
            log.warning("projection.abandoned_build_dropped", projection=dropped.schema)
        known = {
            generation.schema: generation
            for generation in await list_generations(connection)
            if generation.role != "building" and generation.name in self._projections
        }
        ended = [schema for schema, held in self._held.items() if schema not in known or _has_let_go(held)]
        await self._let_go(*ended)
        for schema in ended:
            await connection.execute(_UNLOCK, (schema,))
        for schema in known.keys() - self._held.keys():
            row = await (await connection.execute(_LOCK, (schema,))).fetchone()
            if row == (True,):
                self._start(known[schema], shared)
        await write_reports(connection, self._reports())
        await forget_reports(connection)

    def _start(self, generation: Generation, shared: _Shared) -> None:
        progress = Progress(generation.log_position)
        task = asyncio.create_task(self._follow(generation, shared, progress), name=generation.schema)
        self._held[generation.schema] = _Held(task, progress)

    async def _follow(self, generation: Generation, shared: _Shared, progress: Progress) -> None:
        try:
            _require_current(generation)
            async with await self._connect() as connection:
                projection = self._projections[generation.name]
                follower = Follower(
                    projection, generation, connection=connection, progress=progress, cursors=shared.cursors
                )
                await follower.run(shared.reader)
        except Exception as error:
            if is_passing(error):
                log.warning("projection.let_go", projection=generation.schema, error=repr(error))
                return
            progress.error = f"{type(error).__name__}: {error}"
            log.exception("projection.stopped", projection=generation.schema, log_position=progress.log_position)

    async def _let_go(self, *schemas: str) -> None:
        tasks = [self._held.pop(schema).task for schema in schemas]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _reports(self) -> list[Report]:
        return [
            Report(
                kind="projection",
                name=schema,
                state="stopped" if progress.error else "running",
                log_position=progress.log_position,
                lag_ms=progress.take_lag(),
                error=progress.error,
            )
            for schema, progress in self.progress.items()
        ]


def _has_let_go(held: _Held) -> bool:
    """Say whether a follower ended without an error. One that stopped keeps its lease: it would stop elsewhere too."""
    return held.task.done() and held.progress.error is None


def _require_current(generation: Generation) -> None:
    if not generation.is_current:
        raise OutdatedTables(f"{generation.schema} has other tables than schema/projections says: rebuild it")
