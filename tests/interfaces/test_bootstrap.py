"""An API process is wired with the application's role only: no request can reach a connection that sees all tenants."""

import gc
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, ModuleType

import httpx
import psycopg
import pytest
from pydantic import SecretStr

from interfaces.api.app import build_app
from interfaces.bootstrap import open_parts
from interfaces.postgres.configuration import Urls
from interfaces.settings import Settings

pytestmark = pytest.mark.anyio

_SHARED = (ModuleType, type, CodeType, FrameType, BuiltinFunctionType)


def reachable_from(root: object) -> Iterator[object]:
    """Yield everything a request could come to through the application, but not what all of Python shares."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, _SHARED):
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, FunctionType):
            waiting += [one.__closure__, one.__defaults__, one.__kwdefaults__]
        elif not (isinstance(one, dict) and "__builtins__" in one):
            waiting += gc.get_referents(one)


def texts(root: object) -> set[str]:
    """Return all texts that can be reached, those behind a mask too."""
    found = set()
    for one in reachable_from(root):
        if isinstance(one, SecretStr):
            found.add(one.get_secret_value())
        elif isinstance(one, str):
            found.add(one)
    return found


def settings_of(database: Urls, folder: Path) -> Settings:
    (folder / "key").write_bytes(b64encode(bytes(range(32))))
    return Settings.load(
        database_url=database.app,
        owner_url=database.owner,
        projector_url=database.projector,
        master_key_file=folder / "key",
    )


async def test_no_request_path_reaches_the_projector_or_the_owner(database: Urls, tmp_path: Path) -> None:
    async with open_parts(settings_of(database, tmp_path), database.app) as parts:
        app = build_app(parts)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lastro") as http:
            assert (await http.get("/health/ready")).status_code == 200
        with psycopg.connect(database.owner) as connection:
            roles = connection.execute(
                "SELECT DISTINCT usename FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name LIKE 'lastro-%'"
            ).fetchall()
        said = texts(app)
    assert roles == [("lastro_app",)]
    assert any("lastro_app" in text for text in said), "the walk does not see what is certainly there"
    assert not [
        text for text in said if "lastro_projector" in text or "lastro_finance" in text or "lastro_owner@" in text
    ]


async def test_the_walk_finds_a_connection_that_should_not_be_there(database: Urls, tmp_path: Path) -> None:
    settings = settings_of(database, tmp_path)
    async with open_parts(settings, database.app) as parts:
        app = build_app(parts)
        setattr(parts.committer, "leak", settings)  # noqa: B010 - a mistake that nobody has made yet
        assert any("lastro_projector" in text for text in texts(app))
