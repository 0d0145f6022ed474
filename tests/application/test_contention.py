"""Many committers and one book: whoever loses three times holds the lock, and a holder that sleeps loses it."""

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import Self

import psycopg
import pytest
from psycopg import errors

from application.codec import encode
from application.commands import Body, Command
from application.committer import Committer
from application.session import _STUCK_HOLDERS, Session
from application.store import Store, hold
from application.work import Work
from domain.ledger.entry import EntryPosted
from interfaces.postgres.configuration import Urls
from tests.application.appends import Fact, Sent, append_now, group_of
from tests.application.copies import Copies
from tests.application.world import BOOK, NOW, command, committing, connect, deposit, flow, lock_held, until

pytestmark = pytest.mark.anyio


async def test_on_one_hot_book_nobody_starves_and_no_group_loses_more_than_four_times(
    database: Urls, store: Store
) -> None:
    async with AsyncExitStack() as stack:
        committers = [await stack.enter_async_context(committing(database)) for _ in range(4)]

        async def call(committer: Committer, caller: str) -> None:
            for turn in range(25):
                await committer.submit(deposit(f"{caller}-{turn}", "1.00"))

        callers = [(committer, f"{number}-{n}") for number, committer in enumerate(committers) for n in range(3)]
        await asyncio.gather(*(call(committer, caller) for committer, caller in callers))
        assert max(committer.statistics.most_losses for committer in committers) <= 4
        assert sum(committer.statistics.losses for committer in committers) > 0
    assert [event.version for event in await store.read_stream(BOOK)] == list(range(1, 301))


class Pest:
    """Another process that moves the book whenever somebody is about to write it, up to a number of times."""

    def __init__(self, database: Urls, times: int) -> None:
        self._connection = psycopg.connect(database.app, autocommit=True)
        self._connection.execute("set lock_timeout = '20ms'")
        self._times = times
        self.moves = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def disturb(self, key: str) -> Command:
        """Return a deposit that is disturbed each time it is decided."""
        plain = deposit(key, "1.00")

        def decide(work: Work) -> Body:
            if self.moves < self._times:
                with suppress(errors.LockNotAvailable):
                    self._move()
            return plain.decide(work)

        return command(key, BOOK, decide=decide)

    def _move(self) -> None:
        posting = flow("psp:a +1.00 | user:real:available -1.00", id=f"{self.moves:032x}", kind="deposit")
        name, state = encode(EntryPosted(entry=posting.entry, posted_at=NOW))
        fact = Fact(stream=BOOK, version=self.moves + 1, name=name, state=state)
        group = group_of(Sent(name=f"pest {self.moves}", facts=(fact,)), bases={BOOK: self.moves})
        assert append_now(self._connection, group) == "appended"
        self.moves += 1


async def test_after_three_losses_a_group_is_decided_while_the_lock_is_held(
    database: Urls, committer: Committer
) -> None:
    with Pest(database, times=100) as pest:
        done = await committer.submit(pest.disturb("a"))
        assert (pest.moves, done.body["left"]) == (3, "400")
        assert (committer.statistics.losses, committer.statistics.most_losses, committer.statistics.holds) == (3, 3, 1)


async def test_without_the_hold_a_group_loses_as_often_as_it_is_disturbed(
    database: Urls, committer: Committer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.committer.LOSSES_BEFORE_HOLD", 1_000)
    with Pest(database, times=12) as pest:
        await committer.submit(pest.disturb("a"))
        assert (pest.moves, committer.statistics.most_losses, committer.statistics.holds) == (12, 12, 0)


async def test_a_holder_that_does_nothing_is_ended_by_who_waits(
    database: Urls, committer: Committer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.session.LOCK_TIMEOUT_S", 0.2)
    async with committing(database) as waiter, await connect(database.app) as holder:
        with pytest.raises(errors.AdminShutdown):  # noqa: PT012 – the holder learns of it when it speaks again
            async with holder.transaction():
                await hold(holder)
                await holder.execute("set local idle_in_transaction_session_timeout = 0")
                done = await asyncio.gather(waiter.submit(deposit("a", "1.00")), committer.submit(deposit("b", "1.00")))
                await holder.execute("select 1")
    assert sorted(answer.body["left"] for answer in done) == ["100", "200"]


async def test_a_holder_that_works_is_waited_for(database: Urls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("application.session.LOCK_TIMEOUT_S", 0.1)
    async with committing(database) as waiter:
        async with asyncio.TaskGroup() as group, lock_held(database) as holder:
            waiting = group.create_task(waiter.submit(deposit("a", "1.00")))
            await holder.execute("select pg_sleep(0.5)")
        assert waiting.result().body["left"] == "100"


async def test_a_database_that_ends_while_the_lock_is_waited_for_ends_no_committer(
    database: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.session.LOCK_TIMEOUT_S", 0.05)
    async with committing(database) as waiter, await connect(database.owner) as killing:
        async with asyncio.TaskGroup() as group, lock_held(database):
            waiting = group.create_task(waiter.submit(deposit("a", "1.00")))
            ended = 0

            async def kill() -> bool:
                nonlocal ended
                cursor = await killing.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
                    " and application_name = 'test' and (query like '%%log.append(%%' or query like '%%append_lock%%')"
                    " and state <> 'idle in transaction' and pid <> pg_backend_pid()"
                )
                ended += len(await cursor.fetchall())
                return ended >= 10

            await until(kill)
        assert waiting.result().body["left"] == "100"


async def test_a_holder_in_another_database_of_the_cluster_is_left_alone(
    database: Urls, copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Databases made from one template share the numbers of their tables."""
    monkeypatch.setattr("application.session._STUCK_HOLDERS", _STUCK_HOLDERS.replace("4 seconds", "0 seconds"))
    other = copies.copy(database)
    session = Session(lambda: connect(database.app))
    await session.open()
    async with lock_held(other) as holder, await connect(database.app) as ended:
        await ended.execute("begin")
        await hold(ended)
        await session.free_the_lock()
        await holder.execute("select 1")
        with pytest.raises(errors.AdminShutdown):
            await ended.execute("select 1")
    await session.close()
