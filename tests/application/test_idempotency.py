"""One key, one effect, one answer: in one process, over two committers, with and without its caller (CONTRACT)."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import pytest
from pydantic_core import to_json

from application.commands import Done, KeyReused, StillRunning
from application.committer import Committer
from application.group import Job
from application.store import Loaded, Store
from interfaces.postgres.configuration import Urls
from tests.application.outcomes import Malformed, raising, together, words
from tests.application.world import (
    command,
    committing,
    deposit,
    envelope,
    lock_held,
    reading,
    spend,
    wait_for_the_lock,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def other(database: Urls) -> AsyncIterator[Committer]:
    """The committer of another process."""
    async with committing(database) as started:
        yield started


def equal(answers: list[Done | BaseException]) -> bool:
    """Tell whether all answers are the same receipt, to the last byte."""
    return len({to_json(answer.receipt) for answer in answers if isinstance(answer, Done)}) == 1


async def test_the_first_answer_is_given_again(committer: Committer, store: Store) -> None:
    first = await committer.submit(deposit("a", "10.00"))
    await committer.submit(spend("b", "4.00"))
    again = await committer.submit(deposit("a", "10.00"))
    assert (first.replayed, again.replayed) == (False, True)
    assert equal([first, again])
    assert await store.head() == 2


async def test_equal_requests_at_once_get_one_effect_and_equal_answers(committer: Committer, store: Store) -> None:
    answers = await together(committer, *(deposit("a", "10.00") for _ in range(20)))
    assert equal(answers)
    assert [answer.replayed for answer in answers if isinstance(answer, Done)] == [False] + [True] * 19
    assert await store.head() == 1


async def test_equal_requests_at_two_processes_get_one_effect_and_equal_answers(
    *, database: Urls, committer: Committer, other: Committer, store: Store
) -> None:
    for key in ("cold", "warm"):
        async with asyncio.TaskGroup() as group, lock_held(database):
            asked = [group.create_task(one.submit(deposit(key, "1.00"))) for one in (committer, other)]
            await wait_for_the_lock(database, 2)
        answers = [task.result() for task in asked]
        assert equal([*answers])
        assert sorted(answer.replayed for answer in answers) == [False, True]
    assert await store.head() == 2


async def test_an_equal_request_at_another_process_takes_no_neighbour_along(
    *, database: Urls, committer: Committer, other: Committer
) -> None:
    await committer.submit(deposit("a", "10.00"))
    async with asyncio.TaskGroup() as group, lock_held(database):
        mixed = group.create_task(together(other, spend("b", "4.00"), deposit("a", "10.00"), spend("c", "7.00")))
        await wait_for_the_lock(database)
    assert words(mixed.result()) == ["done", "done", "insufficient_funds"]
    assert [answer.replayed for answer in mixed.result() if isinstance(answer, Done)] == [False, True, False]


async def test_another_request_under_the_same_key_is_refused(
    *, database: Urls, committer: Committer, other: Committer, store: Store
) -> None:
    changed = deposit("a", "10.00", body="another")
    async with asyncio.TaskGroup() as group, lock_held(database):
        first = group.create_task(committer.submit(deposit("a", "10.00")))
        await wait_for_the_lock(database)
        with pytest.raises(KeyReused) as raised:
            await committer.submit(changed)
        elsewhere = group.create_task(together(other, changed))
        await wait_for_the_lock(database, 2)
    assert raised.value.data == {"key": "a"}
    assert not first.result().replayed
    assert words(elsewhere.result()) == ["KeyReused"]
    for one in (committer, other):
        assert words(await together(one, changed)) == ["KeyReused"]
    assert await store.head() == 1


async def test_the_scope_of_a_key_is_tenant_and_actor(committer: Committer, store: Store) -> None:
    plain = command("a", decide=lambda _: {})
    scopes = (("acme", "cli:test"), ("other", "cli:test"), ("acme", "cli:other"))
    noop = [replace(plain, envelope=envelope("a", tenant=tenant, actor=actor)) for tenant, actor in scopes]
    answers = await together(committer, *noop)
    assert words(answers) == ["done", "done", "done"]
    assert len(await store.receipts([one.envelope.command_id for one in noop])) == 3


async def test_who_waits_too_long_for_an_equal_request_is_told_that_it_still_runs(
    *, database: Urls, committer: Committer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.committer.JOIN_TIMEOUT_S", 0.05)
    async with asyncio.TaskGroup() as group, lock_held(database):
        first = group.create_task(committer.submit(deposit("a", "1.00")))
        await wait_for_the_lock(database)
        with pytest.raises(StillRunning):
            await committer.submit(deposit("a", "1.00"))
    assert not first.result().replayed
    assert (await committer.submit(deposit("a", "1.00"))).replayed


async def test_a_command_whose_caller_went_away_is_done_and_who_joined_gets_its_answer(
    *, database: Urls, committer: Committer, store: Store
) -> None:
    async with asyncio.TaskGroup() as group, lock_held(database):
        gone = group.create_task(committer.submit(deposit("a", "1.00")))
        await wait_for_the_lock(database)
        joined = group.create_task(committer.submit(deposit("a", "1.00")))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait([gone])
        late = group.create_task(committer.submit(deposit("a", "1.00")))
    assert gone.cancelled()
    assert [task.result().replayed for task in (joined, late)] == [True, True]
    assert await store.head() == 1


async def test_who_joined_gets_the_answer_though_the_caller_goes_at_that_very_moment(committer: Committer) -> None:
    """The caller's task was cancelled, and has not run since, when the answer comes."""
    done = await committer.submit(deposit("a", "1.00"))
    job = Job(deposit("a", "1.00"), asyncio.get_running_loop().create_future(), {})
    job.future.cancel()
    job.answer(done)
    job.abandon()
    assert job.future.result() is done


class SlowStore(Store):
    """A store whose loads wait until they are let go."""

    def __init__(self, store: Store) -> None:
        self._store, self.asked, self.go = store, asyncio.Event(), asyncio.Event()

    async def load(self, wanted: Mapping[str, tuple[int, str]]) -> dict[str, Loaded]:
        self.asked.set()
        await self.go.wait()
        return await self._store.load(wanted)


async def test_a_caller_who_goes_away_while_streams_are_loaded_takes_no_twin_along(database: Urls) -> None:
    async with reading(database) as plain:
        slow = SlowStore(plain)
        async with committing(database, store=slow) as committer:
            gone = asyncio.create_task(committer.submit(deposit("a", "1.00")))
            await slow.asked.wait()
            joined = asyncio.create_task(committer.submit(deposit("a", "1.00")))
            await asyncio.sleep(0)
            gone.cancel()
            await asyncio.wait([gone])
            slow.go.set()
            assert (await joined).body["left"] == "100"


async def test_an_error_without_receipt_is_told_to_all_who_asked_the_same(committer: Committer) -> None:
    answers = await together(committer, raising("a", Malformed()), raising("a", Malformed()))
    assert words(answers) == ["Malformed", "Malformed"]
    assert committer.waiting == 0


async def test_a_replay_decides_nothing_for_others(committer: Committer) -> None:
    """A spent amount asked for again is not spent again, nor is it seen as spent by who comes behind it."""
    await committer.submit(deposit("a", "10.00"))
    await committer.submit(spend("b", "6.00"))
    answers = await together(
        committer, spend("b", "6.00"), deposit("a", "10.00"), spend("c", "4.00"), spend("d", "0.01")
    )
    assert words(answers) == ["done", "done", "done", "insufficient_funds"]


async def test_a_refused_key_stays_refused_at_another_process(*, committer: Committer, other: Committer) -> None:
    assert (await committer.submit(spend("a", "1.00"))).refused
    await other.submit(deposit("b", "1.00"))
    again = await other.submit(spend("a", "1.00"))
    assert (again.refused, again.replayed) == (True, True)
