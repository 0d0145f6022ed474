"""The embedded PostgreSQL 18 of an installation without a database of its own.

It decides how the server is started, adopted and stopped. A server is ready when it answers a query and gone when no
process holds its lock file; a pid is never taken as proof of anything. It never listens on a network.
"""

import contextlib
import os
import shutil
import signal
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import psycopg
from psycopg import sql

from interfaces.postgres import locks
from interfaces.postgres.account import Account, server_account
from interfaces.postgres.binaries import binaries
from interfaces.postgres.configuration import DATABASE, OWNER, PG_HBA, Layout, Urls, postgresql_conf
from interfaces.postgres.errors import ServerUnavailable

_LOG_BYTES_MAX = 16 * 1024 * 1024
_LAST_WORDS_LINES = 15
_START_ATTEMPTS = 3
_PAUSE_S = 0.01
_DETACHED = 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 &'


class EmbeddedServer:
    """One installation's PostgreSQL, used by any number of processes at once.

    `start()` starts it or adopts a living one, waiting for whoever is starting it already; `release()` stops it when
    nobody else uses it; `stop()` stops it in any case. As a context manager it starts and releases.
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
            self._make_ready(time.monotonic() + self._start_limit_s)
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
            self._let_go()
            if not locks.is_free(self.layout.in_use):
                return False
            self._shut_down(limit_s=60.0)
        return True

    def stop(self, limit_s: float = 60.0) -> None:
        """Stop the server: clients are disconnected, open transactions roll back, what was committed stays."""
        if not self.layout.data.exists():
            return
        with locks.exclusively(self.layout.starting):
            self._let_go()
            self._shut_down(limit_s)

    def _let_go(self) -> None:
        if self._hold is not None:
            os.close(self._hold)
            self._hold = None

    def _make_data_directory(self) -> None:
        """Make the data directory; the server's user passes through it to its own, and nobody else may list it."""
        data = self.layout.data
        data.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            data.mkdir()
            data.chmod(0o711 if os.geteuid() == 0 else 0o700)

    def _make_ready(self, deadline: float) -> None:
        """Start the server unless it answers; one that was killed while it started is started again, a few times."""
        for _ in range(_START_ATTEMPTS):
            with contextlib.suppress(psycopg.OperationalError):
                if self.is_running() or self._boot(deadline):
                    return self._make_database()
        raise ServerUnavailable(f"PostgreSQL did not start.\n{self._last_words()}")

    def _boot(self, deadline: float) -> bool:
        """Start the server and wait until it answers, or until it has died; say which."""
        alive = self._wait_for_the_dying(deadline)
        if alive is None:
            return True
        try:
            account = server_account(self.layout.cluster)
            account.require_reach(self.layout.data)
            programs = binaries(account, self.layout.data)
            self._initialise(account, programs / "initdb")
            self._configure(account)
            self._launch(account, programs / "postgres", alive)
        finally:
            os.close(alive)
        while not self.is_running():
            if locks.is_free(self.layout.alive):
                return False
            self._pause(deadline)
        return True

    def _wait_for_the_dying(self, deadline: float) -> int | None:
        """Take the lock that all processes of the server share, or return None as soon as a living server answers."""
        while (alive := locks.try_exclusive(self.layout.alive)) is None:
            if self.is_running():
                return None
            self._pause(deadline)
        return alive

    def _initialise(self, account: Account, initdb: Path) -> None:
        """Make the cluster beside its place and move it there when whole, so that a killed initdb leaves nothing."""
        cluster = self.layout.cluster
        if cluster.exists():
            return
        made = cluster.with_suffix(".new")
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        account.own(made)
        command = [str(initdb), "--pgdata", str(made), "--username", OWNER, "--auth", "trust", "--encoding", "UTF8"]
        done = account.run([*command, "--no-locale", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"])
        if done.returncode:
            raise ServerUnavailable(f"initdb failed:\n{done.stdout}")
        made.rename(cluster)

    def _configure(self, account: Account) -> None:
        """Write the configuration, make the socket's directory, and clear what a killed server left behind."""
        cluster, sockets = self.layout.cluster, self.layout.sockets
        (cluster / "postgresql.conf").write_bytes(os.fsencode(postgresql_conf(sockets, self._settings)))
        (cluster / "pg_hba.conf").write_text(PG_HBA)
        with contextlib.suppress(FileExistsError):
            sockets.mkdir(mode=0o700)
        found = sockets.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), account.user_id}:
            raise ServerUnavailable(f"{sockets} is not ours; remove it, or choose a data directory with a short path.")
        account.own(sockets)
        # The lock says that no process of this server lives: its pid files are stale even if the pid is in use again,
        # or is still that of a zombie which nobody has reaped.
        for stale in (cluster / "postmaster.pid", *sockets.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)

    def _launch(self, account: Account, postgres: Path, alive: int) -> None:
        """Start the server in a session of its own, so that Ctrl-C and our end do not reach it."""
        log = self.layout.log
        if log.exists() and log.stat().st_size > _LOG_BYTES_MAX:
            log.replace(log.with_suffix(".log.1"))
        log.touch(mode=0o600)
        if account.user_id is not None:
            os.chown(log, account.user_id, -1)
        server = [str(postgres), "-D", str(self.layout.cluster)]
        account.run(["/bin/sh", "-c", _DETACHED, "sh", str(log), *server], keep=[alive])

    def _make_database(self) -> None:
        with psycopg.connect(self.layout.url(OWNER, "postgres"), autocommit=True) as connection:
            if connection.execute("select from pg_database where datname = %s", [DATABASE]).fetchone() is None:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))

    def _shut_down(self, limit_s: float) -> None:
        """Ask for a fast shutdown until no process of the server is left; it may have been busy starting."""
        deadline = time.monotonic() + limit_s
        while not locks.is_free(self.layout.alive):
            # The pid file can be believed here: the lock says that the server which wrote it lives.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError, IndexError):
                os.kill(int((self.layout.cluster / "postmaster.pid").read_text().split()[0]), signal.SIGINT)
            self._pause(deadline)

    def _pause(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise ServerUnavailable(f"PostgreSQL neither answers nor ends.\n{self._last_words()}")
        time.sleep(_PAUSE_S)

    def _last_words(self) -> str:
        log = self.layout.log
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join([*lines[-_LAST_WORDS_LINES:], f"(log: {log})"])
