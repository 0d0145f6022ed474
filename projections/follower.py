"""Follows the log for one generation of a read model: rows and cursor are committed together, or not at all.

A follower that another has overtaken lets go; an append that cannot be applied stops it, after everything before it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from psycopg import InterfaceError, OperationalError
from psycopg.sql import SQL, Identifier

from application.store import Connection
from projections.changes import Changes
from projections.cursors import Cursors, Step
from projections.generations import Generation
from projections.models import Projection
from projections.reader import Fact, Reader, Slice
from projections.writing import write

_PASSING = {"40", "53", "55", "57", "58"}
"""Classes of SQLSTATE that say nothing about the data: conflicts, full disks, locks, shutdowns, broken machines."""

_TAKE = """
    UPDATE projection.generations SET epoch = epoch + 1
    WHERE name = %s AND number = %s AND role = %s RETURNING epoch, log_position
"""
_ADVANCE = "SELECT projection.advance(%s, %s, %s, %s, %s)"


class Overtaken(Exception):
    """Another runner has taken the lease or moved the cursor, or the generation was dropped."""


class CannotApply(Exception):
    """An append breaks this read model. Nothing of it is applied, and nothing behind it."""


@dataclass(slots=True)
class Progress:
    """How far a generation has been committed, and the worst delay since somebody looked."""

    log_position: int
    lag_ms: int = 0
    error: str | None = None

    def take_lag(self) -> int:
        """Return the worst delay since somebody asked, and begin anew."""
        lag_ms, self.lag_ms = self.lag_ms, 0
        return lag_ms


def is_passing(error: BaseException) -> bool:
    """Tell an error that another attempt may not meet, such as a lost connection, from one of the data."""
    if isinstance(error, OperationalError):
        return error.sqlstate is None or error.sqlstate[:2] in _PASSING
    return isinstance(error, InterfaceError | TimeoutError | Overtaken)


class Follower:
    """One generation's follower. Its connection is its own, in autocommit mode, of the projector's role.

    `cursors` moves its cursor where there is nothing to write, together with those of others; else it does so itself.
    """

    def __init__(
        self,
        projection: Projection,
        generation: Generation,
        *,
        connection: Connection,
        progress: Progress,
        cursors: Cursors | None = None,
    ) -> None:
        self._projection = projection
        self._generation = generation
        self._connection = connection
        self._epoch = 0
        self._cursors = cursors
        self.progress = progress

    @property
    def handles(self) -> frozenset[str]:
        """The stored names of the events that it wants."""
        return self._projection.handles

    async def run(self, reader: Reader) -> None:
        """Take the generation over and follow the log for ever. Raises `Overtaken`, `CannotApply`, `NewLogEpoch`."""
        await self.take()
        while True:
            await self.apply(await reader.after(self.progress.log_position))

    async def take(self) -> None:
        """Raise the generation's epoch, which shuts out whoever had it before. Raises `Overtaken`.

        One whose role has changed since it was looked at is somebody else's now.
        """
        # Plans are made while the tables are still empty, and must be right when they are not.
        await self._connection.execute(
            SQL(
                "SET search_path = {}; SET synchronous_commit = off; SET plan_cache_mode = force_generic_plan; "
                "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off"
            ).format(Identifier(self._generation.schema))
        )
        key = (self._generation.name, self._generation.number, self._generation.role)
        row = await (await self._connection.execute(_TAKE, key)).fetchone()
        if row is None:
            raise Overtaken
        self._epoch, self.progress.log_position = row

    async def apply(self, found: Slice) -> None:
        """Apply a slice; where that fails, append by append, so that all before the bad one is applied."""
        try:
            await self._apply(found)
        except Exception as error:
            if is_passing(error):
                raise
            await self._one_by_one(found)

    async def _one_by_one(self, found: Slice) -> None:
        for append in found.appends():
            try:
                await self._apply(append)
            except Exception as error:
                if is_passing(error):
                    raise
                first = append.facts[0].recorded.log_position
                raise CannotApply(f"append {first} to {append.end}: {error!r}") from error

    async def _apply(self, found: Slice) -> None:
        changes = Changes()
        handled = [fact for fact in found.facts if fact.recorded.name in self._projection.handles]
        changes.take(self._projection.apply_all((fact.recorded, fact.event) for fact in handled))
        if changes or not await self._moved_with_others(found.end):
            await self._commit(changes, found.end)
        self.progress.log_position = found.end
        self._note_lag(handled)

    async def _commit(self, changes: Changes, end: int) -> None:
        key = (self._generation.name, self._generation.number, self._epoch)
        async with self._connection.transaction():
            moved = await self._connection.execute(_ADVANCE, (*key, self.progress.log_position, end), prepare=True)
            if await moved.fetchone() != (True,):
                raise Overtaken
            await write(self._connection, changes)

    async def _moved_with_others(self, end: int) -> bool:
        if self._cursors is None:
            return False
        before = self.progress.log_position
        return await self._cursors.move(Step(self._generation.name, self._generation.number, self._epoch, before, end))

    def _note_lag(self, handled: list[Fact]) -> None:
        if handled:
            lag = datetime.now(UTC) - handled[0].recorded.recorded_at
            self.progress.lag_ms = max(self.progress.lag_ms, int(lag.total_seconds() * 1000))
