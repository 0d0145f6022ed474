"""One embedded PostgreSQL for a test run, shared by all its workers, and a fresh copy of a migrated database per test.

Nothing survives a run: the last user of the server stops and deletes it, and every run sweeps up after killed ones.
"""

import contextlib
import fcntl
import hashlib
import itertools
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from interfaces.postgres import locks, migrations
from interfaces.postgres.configuration import Urls
from interfaces.postgres.server import EmbeddedServer

_HERE = Path(__file__).parent
_PREFIX = f"lastro-test-{hashlib.sha256(os.fsencode(_HERE)).hexdigest()[:6]}-"
_TEMPLATE = "template_of_tests"
_NUMBERS = itertools.count(1)
# What is thrown away need not survive a power cut; killed processes lose nothing through this. All workers of a run
# share one server.
_THROWN_AWAY = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "max_connections": "500"}
_RUNNING = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """Show other runs of these tests that this one is going on, by a lock that ends with the process."""
    config.stash[_RUNNING] = os.open(_HERE, os.O_RDONLY)
    fcntl.flock(config.stash[_RUNNING], fcntl.LOCK_SH)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Sweep up when no other run is going on: whatever is left then was left by a killed one."""
    if _RUNNING in config.stash:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(config.stash[_RUNNING], fcntl.LOCK_EX | fcntl.LOCK_NB)
            for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
                _discard(left)
        os.close(config.stash[_RUNNING])


def _discard(home: Path) -> None:
    for alive in home.rglob("pg.alive.lock"):
        server = EmbeddedServer(alive.parent)
        server.stop()
        shutil.rmtree(server.layout.sockets, ignore_errors=True)
    shutil.rmtree(home)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "postgres_server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.postgres)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory for servers of a test's own, which any user can pass through; they are stopped at the end."""
    directory = Path(tempfile.gettempdir()) / f"{_PREFIX}{os.getpid()}-{next(_NUMBERS)}"
    directory.mkdir()
    directory.chmod(0o711)
    yield directory
    _discard(directory)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedServer]:
    """The server of this run, the same for all its workers; a test takes `database` instead."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"{os.getpid()}")
    server = EmbeddedServer(Path(tempfile.gettempdir()) / f"{_PREFIX}{run[:16]}", settings=_THROWN_AWAY)
    server.start()
    yield server
    # With several workers another one may be about to start the server again: then unconfigure deletes it.
    if server.release() and "PYTEST_XDIST_WORKER" not in os.environ:
        _discard(server.layout.data)


@pytest.fixture(scope="session")
def _template(postgres_server: EmbeddedServer) -> str:
    with locks.exclusively(postgres_server.layout.data / "template.lock"):
        if not _exists(postgres_server, _TEMPLATE):
            _create(postgres_server, "unfinished", "template0")
            migrations.migrate(postgres_server.layout.urls("unfinished").owner)
            _execute(
                postgres_server, sql.SQL("alter database unfinished rename to {}").format(sql.Identifier(_TEMPLATE))
            )
    return _TEMPLATE


@pytest.fixture
def database(postgres_server: EmbeddedServer, _template: str) -> Iterator[Urls]:
    """A database of this test's own with every migration in it."""
    yield from _fresh(postgres_server, _template)


@pytest.fixture(scope="module")
def shared_database(postgres_server: EmbeddedServer, _template: str) -> Iterator[Urls]:
    """A migrated database for all tests of a module, which agree on who writes to it."""
    yield from _fresh(postgres_server, _template)


@pytest.fixture
def empty_database(postgres_server: EmbeddedServer) -> Iterator[Urls]:
    """A database of this test's own without anything in it."""
    yield from _fresh(postgres_server, "template0")


def _fresh(server: EmbeddedServer, template: str) -> Iterator[Urls]:
    name = f"test_{os.getpid()}_{next(_NUMBERS)}"
    _create(server, name, template)
    urls = server.layout.urls(name)
    migrations.grant_roles(urls.owner)
    yield urls
    _execute(server, sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def _create(server: EmbeddedServer, name: str, template: str) -> None:
    statement = sql.SQL("create database {} template {}")
    _execute(server, sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
    _execute(server, statement.format(sql.Identifier(name), sql.Identifier(template)))


def _exists(server: EmbeddedServer, name: str) -> bool:
    with psycopg.connect(server.layout.urls("postgres").owner) as connection:
        return connection.execute("select from pg_database where datname = %s", [name]).fetchone() is not None


def _execute(server: EmbeddedServer, statement: sql.Composed) -> None:
    with psycopg.connect(server.layout.urls("postgres").owner, autocommit=True) as connection:
        connection.execute(statement)


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unit tests open no socket at all; the others reach nothing outside this machine."""
    pure = "domain" in request.path.relative_to(Path(__file__).parent).parts[:1]
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: tuple[str, int] | str) -> None:
        local = self.family == socket.AF_UNIX or address[0] in {"127.0.0.1", "::1", "localhost"}
        if pure or not local:
            raise AssertionError(f"a test tried to connect to {address!r}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", refuse)
