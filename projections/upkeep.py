"""What may be done with the generations of read models, one act a method, each under the models' leases.

`only_equal` is for whoever acts for one tenant: then nothing is done that changes a row for anybody (decision 0028).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from application.store import Store
from projections import rebuild as rebuilding
from projections.building import Connect, Told
from projections.comparison import Difference, compare
from projections.generations import Generation, RebuildRefused, list_generations, live_generations, newest
from projections.models import PROJECTIONS, Projection
from projections.parts import Apart
from projections.rebuild import GenerationsDiffer, drop_all, leased
from projections.switching import roll_back, set_aside, switch


class UnknownModel(Exception):
    """There is no such read model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A model's other generation beside its live one, and the first rows in which they differ."""

    model: str
    other: str
    role: str
    differences: Sequence[Difference]


def projections_of(names: Sequence[str], known: Mapping[str, Projection] = PROJECTIONS) -> list[Projection]:
    """Return read models by their names; all where none is named. Raises `UnknownModel`."""
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UnknownModel(f"There is no read model {', '.join(unknown)}; there are {', '.join(sorted(known))}.")
    return [known[name] for name in dict.fromkeys(names or known)]


class Upkeep:
    """The acts. `connect` opens connections of the projector's role; `store` reads through a pool of that role.

    `apart` folds a share of a rebuild in another process.
    """

    def __init__(self, *, connect: Connect, store: Store, apart: Apart | None = None) -> None:
        self._connect = connect
        self._store = store
        self._apart = apart

    async def rebuild(self, projections: Sequence[Projection], told: Told | None = None) -> list[Generation]:
        """Build, compare and switch. Raises `GenerationsDiffer` or `RebuildRefused`."""
        return await rebuilding.rebuild(
            projections, connect=self._connect, store=self._store, told=told, apart=self._apart
        )

    async def compare(self, projections: Sequence[Projection]) -> list[Compared]:
        """Compare candidates, or else what was live before, with the live generations. Raises `RebuildRefused`."""
        async with leased([one.name for one in projections], self._connect):
            return [await self._compared(one, await self._other(one)) for one in projections]

    async def switch(self, projections: Sequence[Projection], *, only_equal: bool = True) -> list[Generation]:
        """Switch to candidates that were built before. Raises `GenerationsDiffer` or `RebuildRefused`."""
        async with leased([one.name for one in projections], self._connect):
            candidates = [await self._candidate(one) for one in projections]
            for projection, candidate in zip(projections, candidates, strict=True):
                if only_equal:
                    await self._require_equal(projection, candidate)
                await switch(projection, candidate, connect=self._connect, store=self._store)
            return candidates

    async def roll_back(self, projections: Sequence[Projection], *, only_equal: bool = False) -> list[Generation]:
        """Go back to what was live before. Raises `GenerationsDiffer` or `RebuildRefused`."""
        async with leased([one.name for one in projections], self._connect):
            earlier = [await self._retired(one) for one in projections]
            for projection, retired in zip(projections, earlier, strict=True):
                if only_equal:
                    await self._require_equal(projection, retired)
                await roll_back(projection, retired, connect=self._connect, store=self._store)
            return earlier

    async def drop(self, projections: Sequence[Projection], *, only_equal: bool = False) -> list[Generation]:
        """Drop every generation that is not live; what is live now stays. Raises `GenerationsDiffer`."""
        names = [one.name for one in projections]
        async with leased(names, self._connect) as connection:
            if only_equal:
                live = await live_generations(connection)
                for one in await list_generations(connection):
                    if one.name in names and one.name in live and one.role != "live" and one.log_position:
                        await self._require_equal(PROJECTIONS[one.name], one)
            return await drop_all(connection, names, "building", "retired")

    async def _require_equal(self, projection: Projection, other: Generation) -> None:
        differences = (await self._compared(projection, other)).differences
        if differences:
            raise GenerationsDiffer(other, differences)

    async def _compared(self, projection: Projection, other: Generation) -> Compared:
        async with set_aside(other, self._connect):
            found = await compare(projection, other, connect=self._connect, store=self._store)
        return Compared(model=projection.name, other=other.schema, role=other.role, differences=found)

    async def _candidate(self, projection: Projection) -> Generation:
        async with await self._connect() as connection:
            found = await newest(connection, projection.name, "building")
        if found is None or not found.log_position:
            raise RebuildRefused(f"{projection.name} has no candidate: rebuild it first")
        return found

    async def _retired(self, projection: Projection) -> Generation:
        async with await self._connect() as connection:
            found = await newest(connection, projection.name, "retired")
        if found is None:
            raise RebuildRefused(f"{projection.name} has no earlier generation: it was dropped, or never was")
        return found

    async def _other(self, projection: Projection) -> Generation:
        async with await self._connect() as connection:
            candidate = await newest(connection, projection.name, "building")
        return candidate if candidate is not None and candidate.log_position else await self._retired(projection)
