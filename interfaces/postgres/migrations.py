"""Forward-only migrations: `schema/roles.sql` every time, then each `schema/NNN_name.sql` once, in order.

A file that ran is never run again and may never change; its checksum is kept in table lastro_migrations. Read models
are not made here: their DDL belongs to the projection runner.
"""

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import errors, sql

DIRECTORY = Path(__file__).resolve().parents[2] / "schema"

_FILE = re.compile(r"(\d{3})_([a-z0-9_]+)\.sql")
_ADVISORY_LOCK = 0x4C61_7374_726F  # "Lastro"
_WAIT_FOR_OTHERS_MS = 120_000
_LOCK_TIMEOUT_MS = 2_000
_STATEMENT_TIMEOUT_MS = 900_000
_ATTEMPTS = 8

_TABLE = """
create table if not exists public.lastro_migrations (
    number integer primary key,
    name text not null,
    sha256 text not null,
    applied_at timestamptz not null default clock_timestamp()
);
grant select on public.lastro_migrations to public;
"""


class MigrationRefused(Exception):
    """The files and the database do not fit together, or the database stayed busy; this migration did nothing."""


class SchemaTooOld(Exception):
    """The database lacks a migration this program needs; `lastro migrate` brings it up to date (exit code 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file of `schema/`; its number orders it and its checksum names its content."""

    number: int
    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        """Return the checksum of the file's bytes."""
        return hashlib.sha256(self.content).hexdigest()


def available(directory: Path = DIRECTORY) -> tuple[Migration, ...]:
    """Read the migrations of a directory in their order; raises MigrationRefused when two share a number."""
    found = sorted((path.name, match) for path in directory.iterdir() if (match := _FILE.fullmatch(path.name)))
    migrations = tuple(
        Migration(number=int(match[1]), name=match[2], content=(directory / name).read_bytes()) for name, match in found
    )
    numbers = [migration.number for migration in migrations]
    if len(set(numbers)) != len(numbers):
        raise MigrationRefused(f"two migrations in {directory} have the same number: {numbers}")
    return migrations


def required_version(directory: Path = DIRECTORY) -> int:
    """Return the number of the newest migration this program knows."""
    return available(directory)[-1].number


def check(url: str, directory: Path = DIRECTORY) -> None:
    """Raise SchemaTooOld unless the database has had every migration; any role may ask."""
    required = required_version(directory)
    with psycopg.connect(url, autocommit=True) as connection:
        try:
            row = connection.execute("select max(number) from public.lastro_migrations").fetchone()
        except errors.UndefinedTable:
            row = None
    current = (row and row[0]) or 0
    if current < required:
        raise SchemaTooOld(
            f"the database is at migration {current:03}, this program needs {required:03}: lastro migrate"
        )


def migrate(
    owner_url: str,
    *,
    directory: Path = DIRECTORY,
    up_to: int | None = None,
    lock_timeout_ms: int = _LOCK_TIMEOUT_MS,
    pause: Callable[[float], None] = time.sleep,
) -> tuple[str, ...]:
    """Bring a database up to date and return the names of the files that ran.

    `up_to` stops early, for tests. Migrators of the same database wait for each other; a migration that waits longer
    than the lock time-out gives way and is tried again after a growing `pause`. Raises MigrationRefused.
    """
    wanted = [migration for migration in available(directory) if up_to is None or migration.number <= up_to]
    with psycopg.connect(owner_url, autocommit=True) as connection:
        _wait_for_other_migrators(connection)
        connection.execute((directory / "roles.sql").read_bytes())
        connection.execute(_TABLE)
        pending = _pending(connection, wanted, everything=available(directory))
        for migration in pending:
            _limit(connection, "lock_timeout", lock_timeout_ms)
            _apply(connection, migration, pause)
    return tuple(f"{migration.number:03}_{migration.name}" for migration in pending)


def grant_roles(owner_url: str, directory: Path = DIRECTORY) -> None:
    """Make the roles where they are missing and grant what belongs to the database itself, as a copy of one needs."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute((directory / "roles.sql").read_bytes())


def _wait_for_other_migrators(connection: psycopg.Connection) -> None:
    _limit(connection, "lock_timeout", _WAIT_FOR_OTHERS_MS)
    try:
        connection.execute("select pg_advisory_lock(%s)", [_ADVISORY_LOCK])
    except errors.LockNotAvailable as error:
        raise MigrationRefused(f"another migration has been running for {_WAIT_FOR_OTHERS_MS // 1000} s") from error


def _pending(
    connection: psycopg.Connection, wanted: list[Migration], everything: tuple[Migration, ...]
) -> list[Migration]:
    rows = connection.execute("select number, sha256, name from public.lastro_migrations").fetchall()
    checksums = {migration.number: migration.sha256 for migration in everything}
    for number, sha256, name in rows:
        if number not in checksums:
            raise MigrationRefused(f"the database has had {number:03}_{name}, which this program does not know")
        if checksums[number] != sha256:
            raise MigrationRefused(f"{number:03}_{name} was changed after it ran; write a new migration instead")
    applied = {number for number, _, _ in rows}
    newest = max(applied, default=0)
    pending = [migration for migration in wanted if migration.number not in applied]
    for migration in pending:
        if migration.number < newest:
            raise MigrationRefused(
                f"{migration.number:03}_{migration.name} comes before {newest:03}, which already ran"
            )
    return pending


def _apply(connection: psycopg.Connection, migration: Migration, pause: Callable[[float], None]) -> None:
    """Run one migration in one transaction; give way to the traffic that holds a lock it needs, and try again."""
    _limit(connection, "statement_timeout", _STATEMENT_TIMEOUT_MS)
    for attempt in range(_ATTEMPTS):
        try:
            with connection.transaction():
                connection.execute(migration.content)
                connection.execute(
                    "insert into public.lastro_migrations (number, name, sha256) values (%s, %s, %s)",
                    [migration.number, migration.name, migration.sha256],
                )
        except errors.LockNotAvailable:
            pause(0.1 * 2**attempt)
        else:
            return
    raise MigrationRefused(f"{migration.number:03}_{migration.name} did not get its locks in {_ATTEMPTS} attempts")


def _limit(connection: psycopg.Connection, name: str, limit_ms: int) -> None:
    connection.execute(sql.SQL("set {} = {}").format(sql.Identifier(name), sql.Literal(limit_ms)))
