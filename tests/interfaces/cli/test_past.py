"""`lastro audit replay` on an installation in which something has happened."""

from base64 import b64encode
from pathlib import Path

import pytest

from interfaces.postgres.configuration import Urls
from tests.interfaces.audit.forgery import some_books
from tests.interfaces.cli.command import Lastro
from tests.projections.house import a_house, wallet

pytestmark = pytest.mark.anyio


@pytest.fixture
def lastro(home: Path, database: Urls) -> Lastro:
    """The command over a database whose books a test writes by itself."""
    key = home / "master.key"
    key.write_bytes(b64encode(bytes(range(32))))
    settings = {
        "LASTRO_DATABASE_URL": database.app,
        "LASTRO_OWNER_URL": database.owner,
        "LASTRO_PROJECTOR_URL": database.projector,
        "LASTRO_MASTER_KEY_FILE": str(key),
    }
    return Lastro(data=home / "data", settings=settings)


async def test_replay_prints_what_was_for_people_and_for_machines(lastro: Lastro, database: Urls) -> None:
    async with a_house(database) as house:
        books = await some_books(house)
        until = await house.store.head()
        await house.deposit(books.ana, 1)
    said = lastro("audit", "replay", "--until", str(until), "--json").succeeded()
    was = {(line["account"], line["asset"]): line["amount"] for line in said.answer["balances"]}
    assert said.answer["log_position"] == until
    assert was[wallet(books.ana), "USD"] == "-50.00"
    assert "replaying: 100 %" in said.errors
    shown = lastro("audit", "replay", "--until", str(until), "--tenant", "acme").succeeded().said
    assert f"As of log position {until}, recorded " in shown
    for words in (
        ("balances: ", "assets:bank:client:main", wallet(books.ana), "-50.00 USD"),
        ("orders: 5",),
        ("positions: 1", "62000 USDT"),
    ):
        assert [word for word in words if word not in shown] == [], shown


async def test_a_moment_the_log_has_not_reached_is_one_sentence(lastro: Lastro) -> None:
    done = lastro("audit", "replay", "--until", "7")
    assert (done.status, done.errors) == (2, "lastro: the log ends at 0\n")
