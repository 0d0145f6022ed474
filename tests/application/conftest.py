"""What the tests of the application share, on a fresh database: a connection of the app role, a store, a committer."""

from collections.abc import AsyncIterator, Iterator

import pytest
import structlog

from application.committer import Committer
from application.store import Connection, Store
from interfaces.postgres.configuration import Urls
from tests.application.copies import Copies
from tests.application.world import committing, connect, reading


@pytest.fixture(autouse=True, scope="session")
def _plain_log() -> None:
    """Log plainly: drawing every frame of an exception with its variables takes a second each."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer(key_order=["event"])],
        logger_factory=structlog.PrintLoggerFactory(),
    )


@pytest.fixture
async def connection(database: Urls) -> AsyncIterator[Connection]:
    """A connection of the app role in autocommit mode, as a committer has it."""
    async with await connect(database.app) as opened:
        yield opened


@pytest.fixture
async def store(database: Urls) -> AsyncIterator[Store]:
    async with reading(database) as opened:
        yield opened


@pytest.fixture
async def committer(database: Urls) -> AsyncIterator[Committer]:
    async with committing(database) as started:
        yield started


@pytest.fixture
def copies() -> Iterator[Copies]:
    made = Copies()
    yield made
    made.delete()
