"""The committer decides in arrival order, on committed states only; one command's fate never touches another's."""

import asyncio

import pytest

from application import streams
from application.codec import encode
from application.commands import Body, Command
from application.committer import Committer
from application.flight import Flight
from application.store import Store, append
from application.work import Work
from domain.ids import EntryId, UserId
from domain.ledger.entry import ReferenceClaimed
from interfaces.postgres.configuration import Urls
from tests.application.appends import Fact, Sent, Without, group_of, weaken
from tests.application.outcomes import TooLittle, together, words
from tests.application.world import (
    BOOK,
    TENANT,
    an_id,
    command,
    committing,
    connect,
    deposit,
    flow,
    lock_held,
    reading,
    spend,
    until,
    wait_for_the_lock,
)
from tests.domain.ledger.entries import USER

pytestmark = pytest.mark.anyio

FLAG = streams.reference(TENANT, "test", "flag")
_NAME, _STATE = encode(ReferenceClaimed(kind="test", reference="flag", entry=EntryId(an_id("entry"))))
RAISED = Fact(stream=FLAG, name=_NAME, state=_STATE)


async def balance(committer: Committer, book: str = BOOK) -> int:
    """Return what a book holds, in smallest units."""
    return -int(sum((await committer.state(book)).state.balances.values()))


async def test_an_accepted_command_answers_its_body_and_its_log_positions(committer: Committer, store: Store) -> None:
    done = await committer.submit(deposit("a", "10.00"))
    assert done.accepted() == {
        "id": an_id(f"a psp:stripe +10.00 | liabilities:users:{USER}:real:available -10.00"),
        "left": "1000",
    }
    receipt = done.receipt
    assert (receipt.number, receipt.first_log_position, receipt.last_log_position) == (1, 1, 1)
    assert (await store.receipts([receipt.command_id])) == {receipt.command_id: receipt}


async def test_commands_are_decided_in_the_order_they_arrived(committer: Committer) -> None:
    answers = await together(
        committer,
        spend("early", "10.00"),
        deposit("a", "10.00"),
        spend("b", "6.00"),
        spend("c", "6.00"),
        spend("d", "4.00"),
    )
    assert words(answers) == ["insufficient_funds", "done", "done", "insufficient_funds", "done"]
    assert committer.statistics.groups < 5
    assert await balance(committer) == 0


async def test_of_two_commands_that_race_for_the_last_cent_one_wins(committer: Committer) -> None:
    await committer.submit(deposit("a", "0.01"))
    answers = await together(committer, spend("b", "0.01"), spend("c", "0.01"))
    assert words(answers) == ["done", "insufficient_funds"]


async def test_of_two_committers_that_race_for_the_last_cent_one_wins(database: Urls, committer: Committer) -> None:
    await committer.submit(deposit("a", "0.01"))
    async with committing(database) as other:
        await other.state(BOOK)
        async with asyncio.TaskGroup() as group, lock_held(database):
            racing = [group.create_task(one.submit(spend(str(n), "0.01"))) for n, one in enumerate((committer, other))]
            await wait_for_the_lock(database, 2)
        assert sorted(words([task.result() for task in racing])) == ["done", "insufficient_funds"]
        assert committer.statistics.losses + other.statistics.losses == 1
        assert await balance(committer) == 0


def spend_while_both_hold(key: str, mine: UserId, others: UserId) -> Command:
    """Return a command that writes one book and only reads the other: together they must keep 10.00."""
    book, other = streams.book(TENANT, mine), streams.book(TENANT, others)
    text = f"liabilities:users:{mine}:real:available +10.00 | psp:stripe -10.00"

    def decide(work: Work) -> Body:
        if -sum((*work.state(book).balances.values(), *work.state(other).balances.values())) < 2_000:
            raise TooLittle
        work.run(book, flow(text, id=an_id(key), kind="refund_settled"))
        return {}

    return command(key, book, other, decide=decide)


@pytest.mark.parametrize(("weakened", "expected"), [(False, ["done", "too_little"]), (True, ["done", "done"])])
async def test_write_skew_on_a_stream_that_is_only_read_is_refused(
    *, weakened: bool, expected: list[str], database: Urls, committer: Committer
) -> None:
    ana, bob = UserId(an_id("ana")), UserId(an_id("bob"))
    for user in (ana, bob):
        await committer.submit(deposit(f"for {user}", "10.00", user=user))
    if weakened:
        weaken(
            database.owner, Without(function="moved_streams", rule="versions[n] <>", instead="false and versions[n] <>")
        )
    async with committing(database) as other:
        first, second = spend_while_both_hold("ana", ana, bob), spend_while_both_hold("bob", bob, ana)
        async with asyncio.TaskGroup() as group, lock_held(database):
            racing = [group.create_task(one.submit(asked)) for one, asked in ((committer, first), (other, second))]
            await wait_for_the_lock(database, 2)
    assert sorted(words([task.result() for task in racing])) == expected


@pytest.mark.parametrize("careful", [True, False])
async def test_a_refused_command_never_carries_a_dependant_in(careful: bool, database: Urls) -> None:
    """A deposit of 150 is under way, spending it is sent behind it; then the deposit turns out to be refused."""
    if not careful:
        weaken(
            database.owner,
            Without(function="what_moved", rule="if strictly then", instead="if false then"),
            Without(function="moved_streams", rule="versions[n] <>", instead="versions[n] <"),
        )
    seen: list[int] = []

    def deposit_unless_flagged(work: Work) -> Body:
        if work.version(FLAG):
            raise TooLittle
        return deposit("deposit", "150.00").decide(work)

    def spend_it(work: Work) -> Body:
        seen.append(work.version(BOOK))
        return spend("spend", "150.00").decide(work)

    async with committing(database) as committer:
        async with asyncio.TaskGroup() as group, lock_held(database) as holder:
            deposited = group.create_task(committer.submit(command("d", FLAG, BOOK, decide=deposit_unless_flagged)))
            await wait_for_the_lock(database)
            spent = group.create_task(committer.submit(command("s", BOOK, decide=spend_it)))
            await until(lambda: seen == [1])
            await append(holder, group_of(Sent(name="flag", facts=(RAISED,))))
        assert deposited.result().refused
        if careful:
            assert words([spent.result()]) == ["insufficient_funds"]
            assert seen == [1, 0]
            assert await balance(committer) == 0
        else:
            assert words([spent.result()]) == ["done"]
    if not careful:
        async with reading(database) as store:
            assert [event.version for event in await store.read_stream(BOOK)] == [2], "150 were spent that never came"


GATE = 4711
_RULE = "wrong := log.first_unbalanced(facts);"
GATED = Without(
    function="check_group",
    rule=_RULE,
    instead=f"if position('7.77' in fact_list) > 0 then perform pg_advisory_xact_lock({GATE}); end if; {_RULE}",
)
"""A group that moves 7.77 waits for an advisory lock before it asks for the lock of appends."""


def under_way(committer: Committer) -> list[Flight]:
    """Return the groups that are on their way to the log, which shows nowhere else."""
    return list(committer._flights)  # noqa: SLF001 – a race is made by knowing who is where


async def test_a_group_that_overtakes_the_one_before_it_is_sent_again_and_not_decided_again(database: Urls) -> None:
    weaken(database.owner, GATED)
    seen: list[int] = []

    def spend_it(work: Work) -> Body:
        seen.append(work.version(BOOK))
        return spend("spend", "1.00").decide(work)

    async with committing(database) as committer, await connect(database.app) as gate:
        await committer.submit(deposit("first", "1.00"))
        await gate.execute("select pg_advisory_lock(%s)", [GATE])
        async with asyncio.TaskGroup() as group:
            gated = group.create_task(committer.submit(deposit("gated", "7.77")))
            await until(lambda: len(under_way(committer)) == 1)
            spent = group.create_task(committer.submit(command("s", BOOK, decide=spend_it)))
            await until(lambda: len(under_way(committer)) == 2 and under_way(committer)[1].appending.done())
            assert under_way(committer)[1].appending.result().outcome == "moved"
            await gate.execute("select pg_advisory_unlock(%s)", [GATE])
        assert words([gated.result(), spent.result()]) == ["done", "done"]
        assert (seen, committer.statistics.losses) == ([2], 0)
        assert await balance(committer) == 777


async def test_a_group_that_another_process_overtook_is_decided_again(database: Urls) -> None:
    """The same, and the book has moved when the group before it has been appended: it is not sent a third time."""
    weaken(database.owner, GATED)
    async with committing(database) as committer, committing(database) as other, await connect(database.app) as gate:
        await committer.submit(deposit("first", "1.00"))
        await gate.execute("select pg_advisory_lock(%s)", [GATE])
        async with asyncio.TaskGroup() as group:
            gated = group.create_task(committer.submit(deposit("gated", "7.77", user=UserId(an_id("ana")))))
            await until(lambda: len(under_way(committer)) == 1)
            spent = group.create_task(committer.submit(spend("spend", "1.00")))
            await until(lambda: len(under_way(committer)) == 2 and under_way(committer)[1].appending.done())
            assert not (await other.submit(spend("elsewhere", "1.00"))).refused
            await gate.execute("select pg_advisory_unlock(%s)", [GATE])
        assert words([gated.result(), spent.result()]) == ["done", "insufficient_funds"]
