"""Backups of the embedded server with PostgreSQL's own means: a base backup, and an archive of its write-ahead log.

A directory of backups holds `base-<n>`, whole copies of the cluster, and `wal`, the archive, which grows by itself from
the first backup on. Keys are not in it: neither the vault's nor the one that signs checkpoints.
"""

import json
import os
import shlex
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from interfaces.postgres.account import Account, server_account
from interfaces.postgres.binaries import binaries
from interfaces.postgres.configuration import OWNER, Layout
from interfaces.postgres.errors import ServerUnavailable

MANIFEST = "lastro-backup.json"
ARCHIVED_WITHIN_S = 60.0

_HEAD = "SELECT coalesce(max(notification_id), 0) FROM log.events"
_PAUSE_S = 0.05


class CannotBackUp(Exception):
    """The backup was not made; the message says why. What was there before is as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """One base backup: up to which log position it certainly reaches by itself."""

    directory: Path
    log_position: int
    made_at: str


def back_up(layout: Layout, target: Path) -> Backup:
    """Make a base backup of the running embedded server, and have its log archived from now on.

    Returns when everything committed before the call is in the target directory. Raises `CannotBackUp`.
    """
    target = target.expanduser().resolve()
    if target.is_relative_to(layout.data):
        raise CannotBackUp(f"{target} lies in the installation it is to survive: choose another directory.")
    account = server_account(layout.cluster)
    _make(account, target)
    with psycopg.connect(layout.urls().owner, autocommit=True) as connection:
        _archive_to(connection, target / "wal")
        base = target / f"base-{1 + max([number_of(found) for found in target.glob('base-*')], default=0)}"
        made = base.with_name(f"{base.name}.part")
        _copy(account, layout, made)
        head = int(_one(connection, _HEAD))
        manifest = {"log_position": head, "made_at": datetime.now(UTC).isoformat(), "data": str(layout.data)}
        (made / MANIFEST).write_text(json.dumps(manifest))
        made.rename(base)
        ship(connection)
    return Backup(directory=base, log_position=head, made_at=str(manifest["made_at"]))


def backups(target: Path) -> list[Backup]:
    """Return the whole base backups in a directory, oldest first."""
    found = sorted((path for path in target.glob("base-*") if (path / MANIFEST).exists()), key=number_of)
    said = [(path, json.loads((path / MANIFEST).read_text())) for path in found]
    return [Backup(directory=path, log_position=one["log_position"], made_at=one["made_at"]) for path, one in said]


def ship(connection: psycopg.Connection) -> None:
    """Close the present segment of the write-ahead log and wait until it is archived. Raises `CannotBackUp`."""
    # One byte back: what is returned lies behind the closed segment, also where that one was closed before.
    segment = _one(connection, "SELECT pg_walfile_name(pg_switch_wal() - 1)")
    deadline = time.monotonic() + ARCHIVED_WITHIN_S
    while _one(connection, "SELECT last_archived_wal FROM pg_stat_archiver") < segment:
        if time.monotonic() > deadline:
            raise CannotBackUp(f"{segment} was not archived within {ARCHIVED_WITHIN_S:g} s: see the server's log.")
        time.sleep(_PAUSE_S)


def number_of(base: Path) -> int:
    """Return the number in a base backup's name; 0 for one that was not finished."""
    number = base.name.removeprefix("base-")
    return int(number) if number.isdecimal() else 0


def _make(account: Account, target: Path) -> None:
    """Make the backup's directories, which belong to the server's user: it writes the archive."""
    target.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        target.chmod(0o711)
    (target / "wal").mkdir(exist_ok=True)
    account.own(target / "wal")
    account.require_reach(target / "wal")
    for left in target.glob("base-*.part"):
        shutil.rmtree(left)


def _archive_to(connection: psycopg.Connection, wal: Path) -> None:
    """Let the server copy each finished segment: under another name first, so that half a segment is never taken."""
    if _one(connection, "SHOW archive_mode") != "on":
        raise CannotBackUp("The server was started by an older release: restart Lastro once, then back up.")
    place = shlex.quote(str(wal)).replace("%", "%%")
    command = f"test -f {place}/%f || (cp %p {place}/%f.part && sync {place}/%f.part && mv {place}/%f.part {place}/%f)"
    connection.execute(sql.SQL("ALTER SYSTEM SET archive_command = {}").format(sql.Literal(command)))
    connection.execute("SELECT pg_reload_conf()")
    deadline = time.monotonic() + ARCHIVED_WITHIN_S
    while _one(connection, "SHOW archive_command") != command:
        if time.monotonic() > deadline:
            raise CannotBackUp("The server did not take the archive's place over.")
        time.sleep(_PAUSE_S)


def _copy(account: Account, layout: Layout, made: Path) -> None:
    """Copy the cluster with pg_basebackup, as the server's user, into a directory of that user's."""
    made.mkdir()
    account.own(made)
    program = binaries(account, layout.data) / "pg_basebackup"
    done = account.run(
        [
            str(program), "--pgdata", str(made), "--host", str(layout.sockets), "--port", "5432", "--username", OWNER,
            "--wal-method", "stream", "--checkpoint", "fast",
        ]
    )  # fmt: skip
    if done.returncode:
        raise ServerUnavailable(f"pg_basebackup failed:\n{done.stdout}")


def _one(connection: psycopg.Connection, query: str) -> str:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return "" if row[0] is None else str(row[0])
