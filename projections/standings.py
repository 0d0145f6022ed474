"""How every generation of every read model stands: how far it is, how large, who works on it. Read by any role."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from application.store import Connection
from projections.generations import Generation, list_generations
from projections.reports import Reported, list_reports

State = Literal["running", "stopped", "silent", "building", "candidate", "abandoned", "missing"]

_SIZES = """
    SELECT n.nspname, sum(pg_total_relation_size(c.oid))::bigint FROM pg_class AS c
    INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname = ANY(%s) GROUP BY n.nspname
"""
_LEASED = """
    SELECT name FROM unnest(%s::text[]) AS name WHERE EXISTS (
        SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND (classid::bigint << 32) | objid::bigint = hashtextextended('lastro.rebuild.' || name, 0)
    )
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A generation as it stands. `lag` counts log positions behind the head; `bytes` is what its tables take."""

    model: str
    generation: int
    role: str
    state: State
    log_position: int
    lag: int
    bytes: int
    error: str | None

    @property
    def is_well(self) -> bool:
        """Whether it does what it should: is followed, or waits for somebody's decision."""
        return self.state in {"running", "building", "candidate"}


async def list_standings(connection: Connection, models: Iterable[str], *, head: int) -> list[Standing]:
    """Return how each generation stands, by model and number; a model that has none yet is `missing`."""
    names = sorted(models)
    found = [one for one in await list_generations(connection) if one.name in set(names)]
    sizes: dict[str, int] = dict(await (await connection.execute(_SIZES, ([one.schema for one in found],))).fetchall())
    leased = {row[0] for row in await (await connection.execute(_LEASED, (names,))).fetchall()}
    reports = {one.name: one for one in await list_reports(connection) if one.kind == "projection"}
    standings = [_standing(one, head, sizes=sizes, leased=leased, reports=reports) for one in found]
    return standings + [
        Standing(model=name, generation=0, role="none", state="missing", log_position=0, lag=head, bytes=0, error=None)
        for name in names
        if name not in {one.name for one in found}
    ]


def _standing(
    generation: Generation,
    head: int,
    *,
    sizes: Mapping[str, int],
    leased: Iterable[str],
    reports: Mapping[str, Reported],
) -> Standing:
    said = reports.get(generation.schema)
    return Standing(
        model=generation.name,
        generation=generation.number,
        role=generation.role,
        state=_state(generation, said, is_leased=generation.name in leased),
        log_position=generation.log_position,
        lag=max(0, head - generation.log_position),
        bytes=int(sizes.get(generation.schema, 0)),
        error=None if said is None or generation.role == "building" else said.error,
    )


def _state(generation: Generation, said: Reported | None, *, is_leased: bool) -> State:
    if generation.role == "building":
        if generation.log_position:
            return "candidate"
        return "building" if is_leased else "abandoned"
    if said is None or said.silent:
        return "silent"
    return said.state
