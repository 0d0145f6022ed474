"""What the parts of workers say of themselves, for health and metrics. A silent part is not well either."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from psycopg.rows import class_row
from pydantic_core import to_json

from application.store import Connection

SILENT_AFTER_S = 10
"""A part that has not reported for so long is taken for dead."""

_WRITE = """
    INSERT INTO worker.reports (kind, name, state, log_position, lag_ms, error, reported_at)
    SELECT kind, name, state, log_position, lag_ms, error, clock_timestamp()
    FROM json_populate_recordset(NULL::worker.reports, %s::json)
    ON CONFLICT (kind, name) DO UPDATE SET state = excluded.state, log_position = excluded.log_position,
        lag_ms = excluded.lag_ms, error = excluded.error, reported_at = excluded.reported_at
"""
_FORGET = """
    DELETE FROM worker.reports AS r WHERE r.kind = 'projection' AND NOT EXISTS (
        SELECT FROM projection.generations AS g WHERE g.name || '_g' || g.number = r.name AND g.role <> 'building'
    )
"""
_LIST = """
    SELECT kind, name, state, log_position, lag_ms, error, reported_at,
        reported_at < clock_timestamp() - make_interval(secs => %s) AS silent
    FROM worker.reports ORDER BY kind, name
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How a part of a worker stands: `lag_ms` is the worst delay since its last report.

    `error` says why it stopped; of one that runs, which outcome it does not know yet and asks for again.
    """

    kind: Literal["projection", "policy", "role"]
    name: str
    state: Literal["running", "stopped"] = "running"
    log_position: int
    lag_ms: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported(Report):
    """A report as it was last heard."""

    reported_at: datetime
    silent: bool

    @property
    def waits(self) -> bool:
        """Say whether it runs and tries to learn an outcome; unknown is not failed."""
        return self.state == "running" and not self.silent and self.error is not None


async def write_reports(connection: Connection, reports: Iterable[Report]) -> None:
    """Write down how parts stand now."""
    await connection.execute(_WRITE, (to_json([asdict(report) for report in reports]).decode(),))


async def forget_reports(connection: Connection) -> None:
    """Delete what generations said that nobody follows any more: a dropped one would be silent for ever."""
    await connection.execute(_FORGET)


async def list_reports(connection: Connection) -> list[Reported]:
    """Return what every part said last."""
    async with connection.cursor(row_factory=class_row(Reported)) as cursor:
        return await (await cursor.execute(_LIST, (SILENT_AFTER_S,))).fetchall()
