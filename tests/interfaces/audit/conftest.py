"""What tests of the audit share: a house with the real command path, on a database of the test's own."""

from collections.abc import AsyncIterator

import pytest

from interfaces.audit import events
from interfaces.audit import verify as verifying
from interfaces.postgres.configuration import Urls
from tests.interfaces.audit.forgery import Books, some_books
from tests.projections.house import House, a_house


@pytest.fixture
async def house(database: Urls) -> AsyncIterator[House]:
    async with a_house(database) as made:
        yield made


@pytest.fixture
async def books(house: House) -> Books:
    """A sound log in which a little of everything has happened."""
    return await some_books(house)


@pytest.fixture(autouse=True)
def few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have ranges looked at in many steps, so that what is wrong often lies at the border of two."""
    monkeypatch.setattr(events, "AT_A_TIME", 2)


@pytest.fixture
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the log read in many ranges, so that what is wrong often lies at the border of two."""
    monkeypatch.setattr(verifying, "RANGE", 3)
