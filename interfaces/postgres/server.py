"""The embedded PostgreSQL 18 of an installation without a database of its own.

It decides how the server is started, adopted and stopped. A server is ready when it answers a query and gone when no
process holds its lock file; a pid is never taken as proof of anything. It never listens on a network.
"""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import psycopg
from psycopg import sql

from interfaces.postgres import locks
from interfaces.postgres.account import Account, server_account
from interfaces.postgres.configuration import (
    DATABASE,
    OWNER,
    Layout,
    Urls,
    pg_hba_conf,
    postgresql_conf,
    wheel_binaries,
)
from interfaces.postgres.errors import ServerUnavailable

_LOG_BYTES_MAX = 16 * 1024 * 1024
_DETACH = 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 &'


class EmbeddedServer:
    """One installation's PostgreSQL, used by any number of processes at once.

    `start()` starts it or adopts a living one, waiting for whoever is starting it already; `release()` stops it when
    nobody else uses it; `stop()` stops it in any case.
    """

    def __init__(self, data: Path, *, settings: Mapping[str, str] | None = None, start_limit_s: float = 600.0) -> None:
        self.layout = Layout(data=data.expanduser().resolve())
        self._settings = settings or {}
        self._start_limit_s = start_limit_s
        self._hold: int | None = None

    def __enter__(self) -> Urls:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def start(self) -> Urls:
        """Return the URLs of a server that answers.

        Raises ServerUnavailable with the reason and the server's last words. The limit is generous because recovery
        after a crash may take minutes; a server that dies is noticed at once.
        """
        self._make_data_directory()
        with locks.exclusively(self.layout.starting):
            if not self.is_running():
                self._boot(time.monotonic() + self._start_limit_s)
            self._make_database()
            if self._hold is None:
                self._hold = locks.share(self.layout.in_use)
        return self.layout.urls()

    def is_running(self) -> bool:
        """Say whether the server of this very directory answers a query."""
        try:
            with psycopg.connect(self.layout.url(OWNER, "postgres"), connect_timeout=5) as connection:
                row = connection.execute("select current_setting('data_directory')").fetchone()
        except psycopg.OperationalError:
            return False
        assert row is not None
        if Path(row[0]) != self.layout.cluster:
            raise ServerUnavailable(f"The server at {self.layout.sockets} serves {row[0]}, not {self.layout.cluster}.")
        return True

    def release(self) -> bool:
        """Give up our use of the server and stop it when that was the last one; say whether it was stopped."""
        if self._hold is None:
            return False
        with locks.exclusively(self.layout.starting):
            os.close(self._hold)
            self._hold = None
            if not locks.is_free(self.layout.in_use):
                return False
            self._shut_down()
        return True

    def stop(self, limit_s: float = 60.0) -> None:
        """Stop the server: clients are disconnected, open transactions roll back, what was committed stays."""
        if not self.layout.data.exists():
            return
        with locks.exclusively(self.layout.starting):
            self._shut_down(limit_s)
            if self._hold is not None:
                os.close(self._hold)
                self._hold = None

    def _make_data_directory(self) -> None:
        """Make the data directory; the server's user passes through it to its own, and nobody else may list it."""
        data = self.layout.data
        if not data.exists():
            data.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                data.mkdir()
                data.chmod(0o711 if os.geteuid() == 0 else 0o700)

    def _boot(self, deadline: float) -> None:
        alive = self._wait_for_the_dying(deadline)
        if alive is None:
            return
        try:
            account = server_account(self.layout.cluster)
            account.require_reach(self.layout.data)
            binaries = self._reachable_binaries(account)
            self._initialise(account, binaries)
            self._configure(account)
            self._launch(account, binaries, alive)
        finally:
            os.close(alive)
        while not self.is_running():
            if locks.is_free(self.layout.alive):
                raise ServerUnavailable(f"PostgreSQL did not start.\n{self._last_words()}")
            self._pause(deadline)

    def _wait_for_the_dying(self, deadline: float) -> int | None:
        """Take the lock that all processes of the server share, or return None as soon as a living server answers."""
        while (alive := locks.try_exclusive(self.layout.alive)) is None:
            if self.is_running():
                return None
            self._pause(deadline)
        return alive

    def _pause(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise ServerUnavailable(f"PostgreSQL neither answers nor ends.\n{self._last_words()}")
        time.sleep(0.01)

    def _reachable_binaries(self, account: Account) -> Path:
        """Return the wheel's programs, or a copy in the data directory when the server's user cannot reach them."""
        binaries = wheel_binaries()
        if account.can_reach(binaries):
            return binaries
        wheel = binaries.parents[1]
        copy = self.layout.data / "postgresql"
        if not copy.exists():
            made = copy.with_suffix(".new")
            shutil.rmtree(made, ignore_errors=True)
            for part in (binaries.parent, wheel.with_name(f"{wheel.name}.libs")):
                if part.exists():
                    shutil.copytree(part, made / part.relative_to(wheel.parent), symlinks=True)
            _let_others_read(made)
            made.rename(copy)
        return copy / binaries.relative_to(wheel.parent)

    def _initialise(self, account: Account, binaries: Path) -> None:
        """Make the cluster beside its place and move it there when whole, so that a killed initdb leaves nothing."""
        cluster = self.layout.cluster
        if cluster.exists():
            return
        made = cluster.with_suffix(".new")
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        account.own(made)
        command = [str(binaries / "initdb"), "--pgdata", str(made), "--username", OWNER, "--auth", "trust"]
        command += ["--encoding", "UTF8", "--no-locale", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
        done = account.run(command)
        if done.returncode:
            raise ServerUnavailable(f"initdb failed:\n{done.stdout}")
        made.rename(cluster)

    def _configure(self, account: Account) -> None:
        """Write the configuration, make the socket's directory, and clear what a killed server left behind."""
        cluster, sockets = self.layout.cluster, self.layout.sockets
        (cluster / "postgresql.conf").write_text(postgresql_conf(sockets, self._settings))
        (cluster / "pg_hba.conf").write_text(pg_hba_conf())
        with contextlib.suppress(FileExistsError):
            sockets.mkdir(mode=0o700)
        if sockets.is_symlink() or sockets.stat().st_uid not in {os.geteuid(), account.user_id}:
            raise ServerUnavailable(f"{sockets} belongs to somebody else; the socket cannot lie there.")
        account.own(sockets)
        # The lock says that no process of this server lives: its pid file is stale even if the pid is in use again.
        (cluster / "postmaster.pid").unlink(missing_ok=True)

    def _launch(self, account: Account, binaries: Path, alive: int) -> None:
        """Start the server in a session of its own, so that Ctrl-C and our end do not reach it."""
        log = self.layout.log
        if log.exists() and log.stat().st_size > _LOG_BYTES_MAX:
            log.replace(log.with_suffix(".log.1"))
        log.touch(mode=0o600)
        if account.user_id is not None:
            os.chown(log, account.user_id, -1)
        server = [str(binaries / "postgres"), "-D", str(self.layout.cluster)]
        account.run(["/bin/sh", "-c", _DETACH, "sh", str(log), *server], keep=[alive])

    def _make_database(self) -> None:
        with psycopg.connect(self.layout.url(OWNER, "postgres"), autocommit=True) as connection:
            known = connection.execute("select from pg_database where datname = %s", [DATABASE]).fetchone()
            if known is None:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))

    def _shut_down(self, limit_s: float = 60.0) -> None:
        deadline = time.monotonic() + limit_s
        while not locks.is_free(self.layout.alive):
            self._signal(signal.SIGINT)
            if time.monotonic() > deadline:
                self._signal(signal.SIGQUIT)
                raise ServerUnavailable(f"PostgreSQL did not stop in {limit_s:.0f} s.\n{self._last_words()}")
            time.sleep(0.01)

    def _signal(self, number: signal.Signals) -> None:
        """Signal the postmaster; its pid file can be believed because the caller knows that the server lives."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError, IndexError):
            os.kill(int((self.layout.cluster / "postmaster.pid").read_text().split()[0]), number)

    def _last_words(self) -> str:
        try:
            lines = self.layout.log.read_text(errors="replace").splitlines()[-15:]
        except FileNotFoundError:
            lines = []
        return "\n".join([*lines, f"(log: {self.layout.log})"])


def _let_others_read(directory: Path) -> None:
    for folder, _, files in os.walk(directory):
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder) / name
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o444 | (path.stat().st_mode & 0o100 and 0o011))
