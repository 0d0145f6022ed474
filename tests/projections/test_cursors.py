"""Cursors of models that have nothing to write are moved together, each from where it is and by who has it."""

import asyncio

import psycopg
import pytest
from psycopg import OperationalError

from application.store import Connection
from projections import generations
from projections.cursors import Cursors, Step
from tests.projections.house import House

pytestmark = pytest.mark.anyio

NAMES = ("accounts", "journal", "users")


@pytest.fixture
async def made(house: House) -> House:
    async with house.projector.connection() as connection:
        await generations.ensure_generations(connection, NAMES)
    return house


async def positions(house: House) -> dict[str, int]:
    async with house.projector.connection() as connection:
        return {one.name: one.log_position for one in await generations.list_generations(connection)}


async def test_each_is_moved_only_from_where_it_is_and_by_whoever_has_it(made: House) -> None:
    cursors = Cursors(made.connect_projector)
    steps = [Step("accounts", 1, 0, 0, 7), Step("journal", 1, 0, 3, 7), Step("users", 1, 1, 0, 7)]
    assert await asyncio.gather(*map(cursors.move, steps)) == [True, False, False]
    assert await positions(made) == {"accounts": 7, "journal": 0, "users": 0}
    assert await asyncio.gather(*map(cursors.move, steps)) == [False, False, False]
    await cursors.close()


async def test_all_who_ask_at_once_are_moved_in_one_transaction(made: House) -> None:
    cursors = Cursors(made.connect_projector)
    async with made.projector.connection() as connection:
        await asyncio.gather(*(cursors.move(Step(name, 1, 0, 0, 9)) for name in NAMES))
        found = await connection.execute("SELECT count(DISTINCT xmin::text), count(*) FROM projection.generations")
        assert await found.fetchone() == (1, 3)
    await cursors.close()


async def test_a_generation_that_somebody_holds_holds_up_no_other(made: House) -> None:
    cursors = Cursors(made.connect_projector)
    async with made.projector.connection() as holder, holder.transaction():
        await holder.execute("UPDATE projection.generations SET role = 'retired' WHERE name = 'journal'")
        moved = await asyncio.gather(*(cursors.move(Step(name, 1, 0, 0, 9)) for name in NAMES))
        assert moved == [True, False, True]
    assert await cursors.move(Step("journal", 1, 0, 0, 9))
    await cursors.close()


async def test_a_lost_connection_is_opened_again(made: House) -> None:
    opened: list[Connection] = []

    async def connect() -> Connection:
        opened.append(await made.connect_projector())
        return opened[-1]

    cursors = Cursors(connect)
    assert await cursors.move(Step("users", 1, 0, 0, 1))
    with psycopg.connect(made.urls.owner, autocommit=True) as owner:
        owner.execute("select pg_terminate_backend(%s)", [opened[0].info.backend_pid])
    with pytest.raises(OperationalError):
        await cursors.move(Step("users", 1, 0, 1, 2))
    assert await cursors.move(Step("users", 1, 0, 1, 2))
    await cursors.close()
