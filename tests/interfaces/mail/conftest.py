"""What tests of the post share: an outbox that is opened and closed."""

from collections.abc import AsyncIterator

import pytest

from interfaces.postgres.configuration import Urls
from tests.interfaces.mail.desk import Desk


@pytest.fixture
async def desk(database: Urls) -> AsyncIterator[Desk]:
    made = Desk(database)
    await made.open()
    yield made
    await made.source.close()
