"""A policy does what its events ask for once: through refusals, lost outcomes, rivals, and a crash at any step."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Collection
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from psycopg_pool import AsyncConnectionPool

from application import streams
from application.commands import Command, Done, StillRunning
from application.committer import Committer
from application.log import Batch
from application.policies.runner import PAUSE_S, PolicyRunner, pause_s
from application.store import Connection, Store
from application.tasks import end
from domain.ids import UserId
from interfaces.postgres.configuration import Urls
from tests.application.people import SYSTEM_TENANT, registered
from tests.application.policies.welcome import Stepping, Welcome, runner_of
from tests.application.world import TENANT, an_id, deposit, until

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]
USERS = [UserId(an_id(f"newcomer {number}")) for number in range(6)]
CLOCK_S = 0.002
"""How much a timer of the loop may be early."""
LAST_STEP = 6
"""Three commands for each registration: the bonus, the fee, and the record that the fee was refused."""


async def register(committer: Committer, *users: UserId) -> None:
    for command in (SYSTEM_TENANT, *(registered(user) for user in users)):
        await committer.submit(command)


async def cursor_of(connection: Connection) -> int | None:
    row = await (
        await connection.execute("select log_position from log.policy_cursors where name = 'welcome'")
    ).fetchone()
    return None if row is None else int(row[0])


async def last_registration(store: Store) -> int:
    """Return the position of the last event that the policy handles; past the others its cursor may lag."""
    events = (await store.read_after(0, limit=1_000)).events
    return max(event.log_position for event in events if event.name == "user.registered.v1")


@asynccontextmanager
async def running(runner: PolicyRunner) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(runner.run())
    try:
        yield task
    finally:
        await end(task)


async def caught_up(runner: PolicyRunner, store: Store) -> None:
    async def reached() -> bool:
        return runner.progress.log_position == await store.head()

    async with running(runner) as task:
        await until(lambda: _reached_or_failed(task, reached()))


async def _reached_or_failed(task: asyncio.Task[None], reached: Awaitable[bool]) -> bool:
    if task.done():
        task.result()
    return await reached


async def prove_once(store: Store, *users: UserId) -> None:
    """Assert that each user has one bonus, no fee, and one record of the refused fee."""
    for user in users:
        book = await store.read_stream(streams.book(TENANT, user))
        memory = await store.read_stream(streams.reference(TENANT, "welcome", user))
        assert [event.name for event in (*memory, *book)] == ["ledger.reference_claimed.v1", "ledger.entry_posted.v1"]
    events = (await store.read_after(0, limit=1_000)).events
    refusals = [event for event in events if event.name == "policy.command_refused.v1"]
    assert len(refusals) == len(users)


async def test_a_refusal_is_recorded_and_the_cursor_goes_on(
    *, database: Urls, committer: Committer, store: Store, connection: Connection
) -> None:
    await register(committer, *USERS[:2])
    async with runner_of(Welcome(), database) as runner:
        await caught_up(runner, store)
    await prove_once(store, *USERS[:2])
    assert (await cursor_of(connection) or 0) >= await last_registration(store)
    events = (await store.read_after(0, limit=100)).events
    registration = next(event for event in events if event.name == "user.registered.v1")
    refusal = next(event for event in events if event.name == "policy.command_refused.v1")
    assert (refusal.causation_id, refusal.actor, refusal.tenant) == (registration.event_id, "policy:welcome", TENANT)
    assert (
        refusal.state
        == (
            f'{{"policy":"welcome","event":"{registration.event_id}","command":"charge_welcome","code":"insufficient_funds"}}'
        ).encode()
    )


async def test_a_policy_follows_what_is_appended_while_it_runs(
    *, database: Urls, committer: Committer, store: Store
) -> None:
    async with runner_of(Welcome(), database) as runner, running(runner):
        await register(committer, USERS[0])
        await until(lambda: _has(store, USERS[0]))
        await register(committer, USERS[1])
        await until(lambda: _has(store, USERS[1]))


class Looks(Store):
    """Notes when the log was looked at."""

    def __init__(self, pool: AsyncConnectionPool[Connection], at: list[float]) -> None:
        super().__init__(pool)
        self._at = at

    async def read_named(self, log_position: int, names: Collection[str], *, limit: int) -> Batch:
        self._at.append(asyncio.get_running_loop().time())
        return await super().read_named(log_position, names, limit=limit)


async def test_what_comes_close_together_is_looked_at_together(
    *, database: Urls, committer: Committer, store: Store
) -> None:
    at: list[float] = []
    async with runner_of(Welcome(), database, reads=lambda pool: Looks(pool, at)) as runner, running(runner):
        for number in range(40):
            await committer.submit(deposit(f"{number}", "1.00"))
        await register(committer, USERS[0])
        await until(lambda: _has(store, USERS[0]))
    assert min(after - before for before, after in pairwise(at)) >= PAUSE_S - CLOCK_S


async def _has(store: Store, user: UserId) -> bool:
    return len(await store.read_stream(streams.book(TENANT, user))) == 1


class Interrupted(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", range(1, LAST_STEP + 1))
async def test_a_policy_that_is_interrupted_at_any_step_does_nothing_twice(
    *, step: int, database: Urls, committer: Committer, store: Store
) -> None:
    await register(committer, USERS[0])

    async def interrupt(reached: int) -> None:
        if reached == step:
            raise Interrupted

    async with runner_of(Welcome(), database, wrap=lambda inner: Stepping(inner, interrupt)) as runner:
        with pytest.raises(Interrupted):
            await runner.run()
    async with runner_of(Welcome(), database) as runner:
        await caught_up(runner, store)
    await prove_once(store, USERS[0])


async def test_a_policy_that_is_cancelled_at_any_moment_does_nothing_twice(
    *, database: Urls, committer: Committer, store: Store
) -> None:
    await register(committer, *USERS)
    for turns in range(0, 120, 8):
        async with runner_of(Welcome(), database) as runner, running(runner):
            for _ in range(turns):
                await asyncio.sleep(0)
    async with runner_of(Welcome(), database) as runner:
        await caught_up(runner, store)
    await prove_once(store, *USERS)


@pytest.mark.crash
async def test_a_policy_whose_process_is_killed_at_any_step_does_nothing_twice(
    *, database: Urls, committer: Committer, store: Store
) -> None:
    killed = list(range(1, LAST_STEP + 1))
    for step, user in zip(killed, USERS, strict=True):
        await register(committer, user)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.application.policies.welcome", database.app, str(step), cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        assert await process.stdout.readline() == f"at {step}\n".encode()
        process.kill()
        await process.wait()
    async with runner_of(Welcome(), database) as runner:
        await caught_up(runner, store)
    await prove_once(store, *USERS)


class Forgetful(Committer):
    """A committer that does its first commands and says each time that it does not know."""

    def __init__(self, committer: Committer, times: int) -> None:
        self._inner, self.times = committer, times

    async def submit(self, command: Command) -> Done:
        done = await self._inner.submit(command)
        if self.times:
            self.times -= 1
            raise StillRunning
        return done


async def test_an_unknown_outcome_is_asked_for_again_with_the_same_id(
    *, database: Urls, committer: Committer, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.policies.runner.FIRST_PAUSE_S", 0)
    await register(committer, USERS[0])
    policy = Welcome()
    async with runner_of(policy, database, wrap=lambda inner: Forgetful(inner, 5)) as runner:
        await caught_up(runner, store)
    assert policy.reactions == 6
    await prove_once(store, USERS[0])


async def test_an_unknown_outcome_is_told_until_it_is_known(
    *, database: Urls, committer: Committer, store: Store
) -> None:
    await register(committer, USERS[0])
    async with runner_of(Welcome(), database, wrap=lambda inner: Forgetful(inner, 1)) as runner, running(runner):
        await until(lambda: runner.progress.unknown is not None)
        at, _, what = (runner.progress.unknown or "").partition(": ")
        assert (at, what) == (f"log position {await last_registration(store)}", "StillRunning()")
        assert runner.progress.log_position < await last_registration(store), "it is not past what it does not know"
        await until(lambda: runner.progress.unknown is None)
        assert runner.progress.log_position >= await last_registration(store)


def test_a_policy_asks_again_more_and_more_seldom_and_never_stops_asking() -> None:
    pauses = [pause_s(attempt) for attempt in range(8)]
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert pause_s(100_000) == 30.0


async def test_two_runners_of_one_policy_do_what_one_does(
    *, database: Urls, committer: Committer, store: Store, connection: Connection
) -> None:
    await register(committer, *USERS)
    policies = Welcome(), Welcome()
    async with runner_of(policies[0], database) as one, runner_of(policies[1], database) as other:
        await asyncio.gather(caught_up(one, store), caught_up(other, store))
    assert sum(policy.reactions for policy in policies) > len(USERS), "they have met"
    await prove_once(store, *USERS)
    assert (await cursor_of(connection) or 0) >= await last_registration(store)


async def test_a_new_policy_begins_where_it_declares_and_an_old_one_where_it_was(
    *, database: Urls, committer: Committer, store: Store, connection: Connection
) -> None:
    await register(committer, USERS[0])
    async with runner_of(Welcome(await store.head() + 1), database) as runner:
        await register(committer, USERS[1])
        await caught_up(runner, store)
    await prove_once(store, USERS[1])
    stood = await cursor_of(connection)
    policy = Welcome(first_log_position=1)
    async with runner_of(policy, database) as runner:
        await caught_up(runner, store)
    assert (policy.reactions, await cursor_of(connection)) == (0, stood)


async def test_the_cursor_passes_what_the_policy_does_not_handle(
    *, database: Urls, committer: Committer, store: Store
) -> None:
    await committer.submit(deposit("a", "1.00"))
    policy = Welcome()
    async with runner_of(policy, database) as runner:
        await caught_up(runner, store)
    assert policy.reactions == 0


class Broken(Welcome):
    """A policy with a bug."""

    async def react(self, *_: object) -> None:
        raise ZeroDivisionError


async def test_a_policy_that_fails_stops_loudly_before_its_event(
    *, database: Urls, committer: Committer, connection: Connection
) -> None:
    await register(committer, USERS[0])
    async with runner_of(Broken(), database) as runner:
        with pytest.raises(ZeroDivisionError):
            await runner.run()
    assert await cursor_of(connection) == 0
