"""What tests of read models share: a house with the real command path, on a database of the test's own."""

from collections.abc import AsyncIterator

import pytest

from interfaces.postgres.configuration import Urls
from tests.projections.house import House, a_house


@pytest.fixture
async def house(database: Urls) -> AsyncIterator[House]:
    async with a_house(database) as made:
        yield made
