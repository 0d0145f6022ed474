"""What was sent may have been committed: after a lost answer the receipts tell, and nothing is ever applied twice."""

import asyncio
import random
from collections.abc import AsyncIterator

import psycopg
import pytest

from application import streams
from application.commands import Done
from application.committer import Committer
from application.store import Store
from application.tasks import end
from domain.ids import UserId
from interfaces.postgres.configuration import Urls
from tests.application.outcomes import together, words
from tests.application.proxy import Wire, wire
from tests.application.world import (
    TENANT,
    an_id,
    committing,
    deposit,
    lock_held,
    spend,
    until,
    wait_for_the_lock,
)

pytestmark = pytest.mark.anyio

USERS = [UserId(an_id(f"user {n}")) for n in range(8)]


async def test_a_command_whose_answer_was_lost_is_answered_from_its_receipt(database: Urls, store: Store) -> None:
    async with wire(database) as (carried, url), committing(database, url=url) as committer:
        await committer.submit(deposit("warm", "1.00"))
        carried.answers_to_lose = 1
        done = await committer.submit(deposit("a", "10.00"))
        assert (carried.lost, done.body["left"], done.replayed) == (1, "1100", True)
        assert await store.head() == 2
        assert words(await together(committer, spend("b", "11.00"), spend("c", "0.01"))) == [
            "done",
            "insufficient_funds",
        ]


async def test_a_group_whose_request_was_lost_is_done_once(database: Urls, store: Store) -> None:
    """The wire is cut while the group waits for the lock: nobody knows whether the database has seen it."""
    async with wire(database) as (carried, url), committing(database, url=url) as committer:
        await committer.submit(deposit("warm", "1.00"))
        async with asyncio.TaskGroup() as group, lock_held(database):
            asked = [group.create_task(committer.submit(deposit(str(n), "1.00"))) for n in range(5)]
            await wait_for_the_lock(database)
            carried.cut()
            await wait_for_the_lock(database, 2)  # the first is still there: its server has not noticed
        assert {task.result().refused for task in asked} == {False}
        assert sorted(int(task.result().body["left"]) for task in asked) == [200, 300, 400, 500, 600]
        assert await store.head() == 6


async def test_commands_wait_while_the_database_is_out_of_reach(database: Urls, store: Store) -> None:
    async with wire(database) as (carried, url), committing(database, url=url) as committer:
        await committer.submit(deposit("warm", "1.00"))
        carried.answers_to_lose = 5
        done = await committer.submit(deposit("a", "1.00"))
        assert carried.lost == 5
        assert done.body["left"] == "200"
        assert await store.head() == 2


async def load(committers: list[Committer], commands: int, seed: int) -> list[Done]:
    """Let many callers spend from a few books through several committers; each command is asked for twice."""
    chance = random.Random(seed)

    async def call(number: int) -> list[Done]:
        committer, user = chance.choice(committers), chance.choice(USERS)
        asked = (deposit if number % 3 else spend)(f"{seed}-{number}", "1.00", user=user)
        return [await committer.submit(asked), await chance.choice(committers).submit(asked)]

    return [done for pair in await asyncio.gather(*(call(number) for number in range(commands))) for done in pair]


async def prove_once(store: Store, answers: list[Done]) -> None:
    """Assert that what was accepted is in the log once, what was refused is not, and both calls were told the same."""
    events = (await store.read_after(0, limit=100_000)).events
    assert [event.log_position for event in events] == list(range(1, len(events) + 1))
    told: dict[str, set[tuple[bool, int | None]]] = {}
    for done in answers:
        told.setdefault(done.receipt.command_id, set()).add((done.refused, done.receipt.last_log_position))
    assert all(len(said) == 1 for said in told.values())
    accepted = {command_id for command_id, said in told.items() if said.pop()[0] is False}
    assert sorted(event.command_id for event in events) == sorted(accepted)
    assert len(await store.receipts(told)) == len(told)
    for user in USERS:
        stream = await store.read_stream(streams.book(TENANT, user))
        assert [event.version for event in stream] == list(range(1, len(stream) + 1))


@pytest.fixture
async def killer(database: Urls) -> AsyncIterator[asyncio.Task[int]]:
    """Ends the committers' sessions, again and again, whatever they are doing."""

    async def kill() -> int:
        chance, killed = random.Random(7), 0
        async with await psycopg.AsyncConnection.connect(database.owner, autocommit=True) as connection:
            while killed < 40:
                await asyncio.sleep(chance.random() * 0.01)
                cursor = await connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = current_database() and application_name = 'test' and query like '%log.append(%'"
                )
                killed += len(await cursor.fetchall())
        return killed

    task = asyncio.create_task(kill())
    yield task
    await end(task)


@pytest.mark.crash
async def test_sessions_killed_at_any_moment_lose_nothing_and_do_nothing_twice(
    database: Urls, store: Store, killer: asyncio.Task[int]
) -> None:
    answers: list[Done] = []
    async with committing(database) as one, committing(database) as other:
        for turn in range(100):
            answers += await load([one, other], 60, turn)
            if killer.done():
                break
        assert killer.result() >= 40
    await prove_once(store, answers)


async def test_answers_lost_at_any_moment_lose_nothing_and_do_nothing_twice(database: Urls, store: Store) -> None:
    chance, answers = random.Random(11), list[Done]()

    async def lose(carried: Wire) -> None:
        while carried.lost < 8:
            await asyncio.sleep(chance.random() * 0.01)
            carried.answers_to_lose = 1
            await until(lambda: not carried.answers_to_lose)

    async with wire(database) as (carried, url), committing(database, url=url) as one, committing(database) as other:
        losing = asyncio.create_task(lose(carried))
        for turn in range(200):
            answers += await load([one, other], 60, turn)
            if losing.done():
                break
        await losing
    await prove_once(store, answers)
