"""The `lastro` command as a process of its own, on an installation that a test owns."""

from base64 import b64encode
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
    key = home / "master.key"
    key.write_bytes(b64encode(bytes(range(32))))
    settings = {
        "LASTRO_DATABASE_URL": database.app,
        "LASTRO_OWNER_URL": database.owner,
        "LASTRO_PROJECTOR_URL": database.projector,
        "LASTRO_MASTER_KEY_FILE": str(key),
    }
    lastro = Lastro(data=home / "data", settings=settings)
    lastro("migrate").succeeded()
    return lastro
