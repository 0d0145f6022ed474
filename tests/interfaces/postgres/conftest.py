"""What the tests of the vault share: a clock that is set by hand, a pool of the app role, the vault."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from interfaces.postgres.configuration import Urls
from interfaces.postgres.connections import Pool, pool
from interfaces.postgres.vault import PostgresVault, open_vault
from interfaces.postgres.vault_crypto import VaultKeys


class SetClock:
    """A clock that stands still until a test moves it."""

    moment = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def keys() -> VaultKeys:
    return VaultKeys.derive(bytes(32))


@pytest.fixture
async def source(database: Urls) -> AsyncIterator[Pool]:
    async with pool(database.app, name="test", size=4) as made:
        yield made


@pytest.fixture
async def vault(source: Pool, keys: VaultKeys, clock: SetClock) -> PostgresVault:
    return await open_vault(source, keys, clock)
