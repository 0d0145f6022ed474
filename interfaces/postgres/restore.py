"""Restores the embedded server from a backup, to the end of its archive or to a moment of the log.

A moment is a log position, or a time, and means the end of the last append at or before it. PostgreSQL recovers to a
transaction: the one that committed that append. A first recovery to the end finds out which one it is.
"""

import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg import sql

from interfaces.postgres import migrations
from interfaces.postgres.account import server_account
from interfaces.postgres.backup import MANIFEST, Backup, backups
from interfaces.postgres.configuration import Layout
from interfaces.postgres.server import EmbeddedServer

_HEAD = "SELECT coalesce(max(notification_id), 0) FROM log.events"
_AT = """
    SELECT notification_id, xmin::text FROM log.events
    WHERE append_index = append_size AND notification_id <= %s ORDER BY notification_id DESC LIMIT 1
"""
_UNTIL = """
    SELECT notification_id FROM log.events WHERE append_index = append_size AND recorded_at <= %s
    ORDER BY notification_id DESC LIMIT 1
"""
_BEGIN_EPOCH = "INSERT INTO log.epochs (log_position, reason, begun_by) VALUES (%s, %s, %s) RETURNING number"

_SETTINGS_OF_RECOVERY = (
    "archive_command", "hot_standby", "recovery_target", "recovery_target_action", "recovery_target_timeline",
    "recovery_target_xid", "restore_command",
)  # fmt: skip

Moment = int | datetime


class CannotRestore(Exception):
    """Nothing was restored; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was restored: up to which log position, of which the archive had the last, and the epoch that began."""

    backup: Path
    log_position: int
    archived: int
    epoch: int


def restore(source: Path, data: Path, *, to: Moment | None, by: str) -> Restored:
    """Restore into a data directory that has no cluster yet, and begin a new log epoch. Raises `CannotRestore`."""
    source, layout = source.expanduser().resolve(), Layout(data=data.expanduser().resolve())
    if layout.cluster.exists():
        raise CannotRestore(f"{layout.cluster} is there already: move it away, or restore elsewhere with --data.")
    with _scratch(layout.data) as scratch:
        plan = _plan(source, scratch, to)
    _recover(plan.backup, source / "wal", layout.data, target=plan.target)
    try:
        epoch = _begin(layout.data, plan, by=by)
    except BaseException:
        shutil.rmtree(layout.cluster)
        raise
    return Restored(backup=plan.backup.directory, log_position=plan.log_position, archived=plan.archived, epoch=epoch)


def _begin(data: Path, plan: "_Plan", *, by: str) -> int:
    """Let the server recover, look where it has come to, and begin the epoch; return its number."""
    with EmbeddedServer(data) as urls, psycopg.connect(urls.owner, autocommit=True) as connection:
        head = _head(connection)
        if head != plan.log_position:
            raise CannotRestore(f"recovery ended at log position {head}, not at {plan.log_position}")
        for name in _SETTINGS_OF_RECOVERY:
            connection.execute(sql.SQL("ALTER SYSTEM RESET {}").format(sql.Identifier(name)))
        migrations.migrate(urls.owner)
        reason = f"restored from {plan.backup.directory.name} to log position {head}"
        row = connection.execute(_BEGIN_EPOCH, (head, reason, by)).fetchone()
        assert row is not None
        return int(row[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """Which backup leads to a log position, what recovery is told to stop at, and where the archive ends."""

    backup: Backup
    log_position: int
    archived: int
    target: Mapping[str, str]


def _plan(source: Path, scratch: Path, to: Moment | None) -> _Plan:
    """Recover everything in a place that is thrown away, and find out where the moment is."""
    found = backups(source)
    if not found:
        raise CannotRestore(f"{source} holds no backup.")
    _recover(found[-1], source / "wal", scratch, target={})
    server = EmbeddedServer(scratch)
    try:
        with psycopg.connect(server.start().owner) as connection:
            head = _head(connection)
            position, transaction = _position(connection, head if to is None else to)
    finally:
        server.stop()
        shutil.rmtree(server.layout.sockets, ignore_errors=True)
    usable = [one for one in found if one.log_position <= position]
    if not usable:
        first = found[0].log_position
        raise CannotRestore(f"the earliest backup reaches log position {first}, which is behind {position}")
    target = {"recovery_target_xid": transaction}
    if position == head:
        target = {}
    elif position == usable[-1].log_position:
        target = {"recovery_target": "immediate"}
    return _Plan(backup=usable[-1], log_position=position, archived=head, target=target)


def _position(connection: psycopg.Connection, to: Moment) -> tuple[int, str]:
    """Return the last append end at or before a moment, and the transaction that committed it."""
    if isinstance(to, datetime):
        row = connection.execute(_UNTIL, (to,)).fetchone()
        if row is None:
            raise CannotRestore(f"nothing was recorded at or before {to.isoformat()}")
        to = int(row[0])
    row = connection.execute(_AT, (to,)).fetchone()
    if row is None:
        raise CannotRestore(f"no append ends at or before log position {to}")
    return int(row[0]), str(row[1])


def _recover(backup: Backup, wal: Path, data: Path, *, target: Mapping[str, str]) -> None:
    """Put a copy of a base backup where a server finds it, told how far it shall recover when it is started."""
    layout = Layout(data=data)
    data.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        data.chmod(0o711)
    made = layout.cluster.with_suffix(".restored")
    shutil.rmtree(made, ignore_errors=True)
    shutil.copytree(backup.directory, made, symlinks=True)
    (made / MANIFEST).unlink()
    with (made / "postgresql.auto.conf").open("a") as settings:
        settings.write(_settings(wal, target))
    (made / "recovery.signal").touch()
    account = server_account(backup.directory)
    if account.user_id is not None and account.group_id is not None:
        for path in (made, *made.rglob("*")):
            os.chown(path, account.user_id, account.group_id, follow_symlinks=False)
    made.chmod(0o700)
    made.rename(layout.cluster)


def _settings(wal: Path, target: Mapping[str, str]) -> str:
    """Return the settings of a recovery. Nobody comes in before its end, and nothing is archived until a new backup."""
    place = shlex.quote(str(wal)).replace("%", "%%")
    settings = {
        "archive_command": "true",
        "hot_standby": "off",
        "recovery_target_action": "promote",
        "recovery_target_timeline": "current",
        "restore_command": f"cp {place}/%f %p",
        **target,
    }
    return "".join(f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in settings.items())


def _head(connection: psycopg.Connection) -> int:
    row = connection.execute(_HEAD).fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def _scratch(near: Path) -> Iterator[Path]:
    """Give a data directory that is deleted afterwards, on the file system of the real one."""
    near.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".restoring-", dir=near.parent))
    made.chmod(0o711)
    try:
        yield made / "data"
    finally:
        shutil.rmtree(made, ignore_errors=True)
