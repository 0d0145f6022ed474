"""The `lastro` command as a process of its own, on an installation that a test owns."""

from pathlib import Path

import pytest

from interfaces.postgres.configuration import Urls
from tests.interfaces.cli.command import Lastro


@pytest.fixture
def lastro(home: Path) -> Lastro:
    """Nothing but a folder yet; the embedded server comes and goes with every command."""
    return Lastro(data=home / "data")


@pytest.fixture
def migrated(home: Path, database: Urls) -> Lastro:
    """An installation on a database of its own, with its schema and what it begins with."""
    lastro = Lastro.over(database, home)
    lastro("migrate").succeeded()
    return lastro
