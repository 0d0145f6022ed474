"""A build: all models brought to one log position, and checked there.

The position is where every read model is that they are made from. It is written down before dbt runs, so that models
that run one after another see the same books. A build is known only when it is complete.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors

from interfaces.finance.errors import AlreadyBuilding, DbtFailed, NothingToRead
from interfaces.finance.project import Dbt, Step, Told

MODELS_READ = ("journal", "connections", "fills")
"""The read models that marts are made from."""
_MADE = frozenset({"model", "seed", "snapshot"})
_FIRST = ("run", "--empty", "--select", "+config.materialized:incremental")

_HEAD = """
    SELECT min(log_position) FROM projection.generations WHERE role = 'live' AND name = ANY(%s) HAVING count(*) = %s
"""
_CUT = "UPDATE finance.cut SET log_position = %s"
_BUILT = "SELECT coalesce(max(log_position), 0) FROM finance.general_ledger"
_KNOWN_AT = "SELECT recorded_at FROM log.events WHERE notification_id = %s"
_RECORD = """
    INSERT INTO finance.builds (log_position, known_at, is_full, started_at, finished_at, tests, failures)
    VALUES (%s, %s, %s, %s, clock_timestamp(), %s, %s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What a build did. Its figures stand for `log_position`; `steps` are its models and checks."""

    log_position: int
    is_full: bool
    seconds: float
    steps: tuple[Step, ...]

    @property
    def findings(self) -> tuple[Step, ...]:
        """The steps that failed."""
        return tuple(step for step in self.steps if step.is_bad)

    @property
    def checks(self) -> tuple[Step, ...]:
        """The steps that were checks."""
        return tuple(step for step in self.steps if step.kind == "test")

    @property
    def models(self) -> tuple[Step, ...]:
        """The steps that made tables or views."""
        return tuple(step for step in self.steps if step.kind in _MADE)


def build(dbt: Dbt, *, full: bool = False, check: bool = True, told: Told | None = None) -> Build:
    """Bring all models to where the read models are, and check them. Raises `DbtFailed`, `NothingToRead`."""
    started = datetime.now(UTC)
    with _alone(dbt.url):
        with psycopg.connect(dbt.url, autocommit=True) as connection:
            position = _take_cut(connection)
            built = _last_built(connection)
        if built is None:
            _require(dbt.run(*_FIRST))
        full = full or built is None or built > position
        words = ["--full-refresh"] if full else []
        steps = dbt.run("build", "--exclude-resource-type", "test", "unit_test", *words, told=_part(told, 0))
        if not any(step.is_bad for step in steps) and check:
            steps += dbt.run("test", "--exclude-resource-type", "unit_test", told=_part(told, 1))
        done = Build(
            log_position=position,
            is_full=full,
            seconds=(datetime.now(UTC) - started).total_seconds(),
            steps=tuple(steps),
        )
        if not any(step.is_bad for step in steps if step.kind != "test"):
            _record(dbt.url, done, started)
    return done


def check(dbt: Dbt, told: Told | None = None) -> tuple[Step, ...]:
    """Run every identity and every calculation's worked cases on what is built."""
    with _alone(dbt.url):
        return tuple(dbt.run("test", told=told))


def calculate(dbt: Dbt, told: Told | None = None) -> tuple[Step, ...]:
    """Run the worked cases of every calculation, which need no books of ours."""
    with _alone(dbt.url):
        return tuple(dbt.run("test", "--select", "test_type:unit", told=told))


def document(dbt: Dbt) -> Path:
    """Write the documentation of all models as one page that needs nothing else, and return where it is."""
    dbt.run("docs", "generate", "--static")
    return dbt.target / "static_index.html"


def _part(told: Told | None, part: int) -> Told | None:
    """Let the models be the first half of the work, and the checks the second."""
    return None if told is None else lambda done, total: told(part * total + done, 2 * total)


def _take_cut(connection: psycopg.Connection) -> int:
    row = connection.execute(_HEAD, ([*MODELS_READ], len(MODELS_READ))).fetchone()
    if row is None:
        raise NothingToRead("there are no read models yet: `lastro up` or `lastro worker` makes them")
    connection.execute(_CUT, (row[0],))
    return int(row[0])


def _last_built(connection: psycopg.Connection) -> int | None:
    """Return how far the general ledger is; None where there is none yet."""
    try:
        row = connection.execute(_BUILT).fetchone()
    except errors.UndefinedTable:
        return None
    assert row is not None, "an aggregate has a row"
    return int(row[0])


def _require(steps: list[Step]) -> None:
    bad = [step for step in steps if step.is_bad]
    if bad:
        raise DbtFailed("; ".join(f"{step.name}: {step.message}" for step in bad))


def _record(url: str, done: Build, started: datetime) -> None:
    checks = done.checks
    counts: tuple[Any, Any] = (len(checks), len(done.findings)) if checks else (None, None)
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(_KNOWN_AT, (done.log_position,)).fetchone()
        known_at = None if row is None else row[0]
        connection.execute(_RECORD, (done.log_position, known_at, done.is_full, started, *counts))


@contextmanager
def _alone(url: str) -> Iterator[None]:
    """Let one process build at a time, on whatever machine. Raises `AlreadyBuilding`."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT pg_try_advisory_lock(hashtextextended('lastro.finance', 0))").fetchone()
        if row is None or not row[0]:
            raise AlreadyBuilding("another process builds the finance models")
        yield
