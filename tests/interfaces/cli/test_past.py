"""`lastro audit replay` and `explain` on an installation in which something has happened."""

from pathlib import Path

import pytest

from interfaces.postgres.configuration import Urls
from tests.interfaces.audit.forgery import some_books
from tests.interfaces.cli.command import Lastro
from tests.projections.house import a_house, projections_of, wallet

pytestmark = pytest.mark.anyio


@pytest.fixture
def lastro(home: Path, database: Urls) -> Lastro:
    """The command over a database whose books a test writes by itself."""
    return Lastro.over(database, home)


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


async def test_explain_prints_a_tree_for_people_and_an_object_for_machines(lastro: Lastro, database: Urls) -> None:
    async with a_house(database) as house, projections_of(database):
        books = await some_books(house)
        await house.caught_up()
    of = (wallet(books.ana), "USD", "--tenant", "acme")
    said = lastro("audit", "explain", *of, "--json").succeeded().answer
    (step,) = said["steps"]
    assert (step["entry"]["id"], step["origin"]["receipt"]["actor"]) == (books.deposit, "cli:test")
    tree = lastro("audit", "explain", *of).succeeded().said.splitlines()
    assert tree[0] == f"balance {wallet(books.ana)} USD credit"
    assert tree[1].endswith("amount = 50.00 USD")
    for words in ("ledger.entry_posted.v1", "amount added: + 50.00 USD → 50.00 USD", books.deposit, "by cli:test"):
        assert any(words in line for line in tree), tree
    position = lastro("audit", "explain", "position", books.connection, "btc-usdt", "--tenant", "acme").succeeded().said
    assert "average_price = 31000 USDT" in position
    assert "nothing of that kind" in lastro("audit", "explain", "order", "0" * 32, "--tenant", "acme").errors
    unclear = lastro("audit", "explain", "order")
    assert (unclear.status, len(unclear.errors.splitlines())) == (2, 1)
