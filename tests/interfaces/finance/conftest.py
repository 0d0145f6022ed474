"""Books of a small simulated year, built once for all tests of a module."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from interfaces.postgres.configuration import Urls
from tests.interfaces.finance.books import Books, a_year, opened


@pytest.fixture(scope="module")
def books(shared_database: Urls) -> Iterator[Books]:
    """The year, with everything built and checked by the first build of an empty database."""
    with tempfile.TemporaryDirectory() as folder:
        made = opened(shared_database, Path(folder))
        made.write(a_year)
        built = made.finance("build", "--json").succeeded().answer
        assert built["findings"] == []
        yield made
