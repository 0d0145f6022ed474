"""What tests of the API share: one running installation per test process, and a tenant of its own for every test."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg import sql

from interfaces.postgres import migrations
from interfaces.postgres.server import EmbeddedServer
from tests.interfaces.api.callers import Caller
from tests.interfaces.api.installation import House, Installation, an_api, installed


@pytest.fixture(scope="session")
def installation(postgres_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation on a database of its own."""
    name = f"api_{os.getpid()}"
    home: Path = tmp_path_factory.mktemp("installation")
    with psycopg.connect(postgres_server.layout.urls("postgres").owner, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
        urls = postgres_server.layout.urls(name)
        migrations.migrate(urls.owner)
        with installed(urls, home) as running:
            yield running
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def house(installation: Installation) -> House:
    """A tenant of the test's own."""
    return installation.a_house()


@pytest.fixture
def finance(house: House) -> Caller:
    """Somebody who may post entries."""
    return house.finance


@pytest.fixture
def trader(house: House) -> Caller:
    """Somebody who trades and has a wallet."""
    return house.trader


@pytest.fixture
def nobody(installation: Installation) -> Caller:
    """Somebody without a token."""
    return installation.nobody


@pytest.fixture(scope="session")
def warm(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """One more process, in which destinations need not cool down, and much money takes two people."""
    settings = {
        **installation.settings,
        "LASTRO_DESTINATION_COOLING_S": "0",
        "LASTRO_SECOND_PERSON_ENTRIES": '{"BRL":"500"}',
    }
    home: Path = tmp_path_factory.mktemp("warm")
    with an_api(settings, home) as client:
        yield client
