"""The `lastro` command as a process of its own, on an installation that a test owns."""

from pathlib import Path

import pytest

from tests.interfaces.cli.command import Lastro


@pytest.fixture
def lastro(home: Path) -> Lastro:
    """Nothing but a folder yet."""
    return Lastro(data=home / "data")


@pytest.fixture
def migrated(lastro: Lastro) -> Lastro:
    """An installation with its schema and what it begins with; nothing of it runs."""
    lastro("migrate").succeeded()
    return lastro
