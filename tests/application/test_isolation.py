"""One command's fate never touches its neighbours': no refusal, no bug, nothing that the database refuses."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic_core import to_json

from application import streams
from application.codec import CannotDecode
from application.commands import Body, Command, CommandRefused, Envelope, QueueFull, Stopped
from application.committer import Committer
from application.store import Store, append
from application.work import Versioned, Work, Written
from domain.users import UserActivated
from interfaces.postgres.configuration import Urls
from tests.application.appends import Fact, Sent, group_of
from tests.application.outcomes import Malformed, Missing, NotYours, TooLittle, answering, raising, together, words
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
    spend,
    until,
    wait_for_the_lock,
)
from tests.domain.ledger.entries import USER

pytestmark = pytest.mark.anyio

DEPOSIT = deposit("inside", "100.00").decide


def elsewhere(key: str) -> Command:
    """Return a command with a bug that only the database sees: it writes a stream of another tenant."""
    stream = streams.book("other", USER)

    def decide(work: Work) -> Body:
        DEPOSIT(work)
        work.run(stream, flow("psp:a +1.00 | psp:b -1.00", id=an_id(key), kind="deposit"))
        return {}

    return command(key, BOOK, stream, decide=decide)


def mistyped(key: str) -> Command:
    """Return a command whose event holds a number where its type says text."""
    number: Any = 7

    def decide(work: Work) -> Body:
        DEPOSIT(work)
        work.written.append(Written(BOOK, work.version(BOOK) + 1, UserActivated(user=number)))
        return {}

    return command(key, BOOK, decide=decide)


def under(change: Callable[[Envelope], Envelope]) -> Command:
    """Return a command that does nothing, in an envelope that holds something else than it should."""
    plain = answering("bug", {})
    return replace(plain, envelope=change(plain.envelope))


BUGS = {
    "an exception in decide": (raising("bug", ZeroDivisionError(), after=DEPOSIT), "ZeroDivisionError"),
    "an assertion in decide": (raising("bug", AssertionError(), after=DEPOSIT), "AssertionError"),
    "an event of another tenant": (elsewhere("bug"), "CheckViolation"),
    "a number where text belongs": (mistyped("bug"), "PydanticSerializationError"),
    "a body that is no JSON": (answering("bug", {"what": object()}), "PydanticSerializationError"),
    "a body with half a surrogate": (answering("bug", {"what": "\ud800"}), "PydanticSerializationError"),
    "a refusal with half a surrogate": (raising("bug", TooLittle(at=("\ud800",))), "PydanticSerializationError"),
    "a key that is no text": (under(lambda one: replace(one, key="\ud800")), "UnicodeEncodeError"),
    "a key with a NUL": (under(lambda one: replace(one, key="\0")), "DataError"),
    "an id that is none": (under(lambda one: replace(one, command_id="none")), "InvalidTextRepresentation"),
    "invalid": (raising("bug", Malformed(), after=DEPOSIT), "Malformed"),
    "not found": (raising("bug", Missing(), after=DEPOSIT), "Missing"),
    "forbidden": (raising("bug", NotYours(), after=DEPOSIT), "NotYours"),
    "refused": (raising("bug", TooLittle(), after=DEPOSIT), "too_little"),
}  # fmt: skip


@pytest.mark.parametrize(("bad", "fate"), BUGS.values(), ids=BUGS.keys())
async def test_a_command_fails_alone_and_leaves_nothing_behind(
    *, bad: Command, fate: str, committer: Committer, store: Store
) -> None:
    answers = await together(committer, deposit("a", "10.00"), bad, spend("b", "20.00"), spend("c", "10.00"))
    assert words(answers) == ["done", fate, "insufficient_funds", "done"]
    assert committer.healthy
    assert words(await together(committer, spend("d", "0.01"))) == ["insufficient_funds"]
    assert len(await store.read_stream(BOOK)) == 2
    left = await store.receipts([an_id("x"), deposit("a", "1").envelope.command_id])
    assert len(left) == 1


@pytest.mark.parametrize("error", [Malformed(), Missing(), NotYours()], ids=lambda error: type(error).__name__)
async def test_what_the_request_alone_shows_leaves_no_receipt(
    error: Exception, committer: Committer, store: Store
) -> None:
    asked = raising("a", error)
    with pytest.raises(type(error)):
        await committer.submit(asked)
    assert await store.receipts([asked.envelope.command_id]) == {}
    assert words(await together(committer, replace(asked, decide=DEPOSIT))) == ["done"]


async def test_a_refusal_is_as_final_as_a_success(committer: Committer) -> None:
    refused = await committer.submit(spend("a", "10.00"))
    assert (refused.receipt.first_log_position, refused.receipt.last_log_position) == (None, None)
    await committer.submit(deposit("b", "10.00"))
    again = await committer.submit(spend("a", "10.00"))
    assert again.replayed
    assert to_json(again.receipt) == to_json(refused.receipt)
    with pytest.raises(CommandRefused, match="does not hold enough") as raised:
        again.accepted()
    assert raised.value.done.receipt.answer["data"] == {
        "account": f"liabilities:users:{USER}:real:available",
        "available": {"value": "0.00", "asset": "USD"},
        "requested": {"value": "10.00", "asset": "USD"},
    }
    assert (await committer.submit(spend("with a new key", "10.00"))).body["left"] == "0"


async def test_nothing_to_do_leaves_a_receipt(committer: Committer, store: Store) -> None:
    done = await committer.submit(answering("a", {"status": "as it was"}))
    assert done.body == {"status": "as it was"}
    assert await store.head() == 0
    assert (await store.receipts([done.receipt.command_id]))[done.receipt.command_id] == done.receipt


async def test_a_group_that_the_database_refuses_leaves_no_state_behind(
    database: Urls, committer: Committer, store: Store
) -> None:
    async with asyncio.TaskGroup() as group, lock_held(database):
        first = group.create_task(together(committer, deposit("a", "1.00"), elsewhere("bug")))
        await wait_for_the_lock(database)
        second = group.create_task(together(committer, spend("b", "50.00"), spend("c", "1.00")))
        await until(lambda: committer.waiting == 4)
    assert words(first.result()) == ["done", "CheckViolation"]
    assert words(second.result()) == ["insufficient_funds", "done"]
    assert [event.version for event in await store.read_stream(BOOK)] == [1, 2]


async def test_a_stream_that_cannot_be_read_fails_only_who_reads_it(database: Urls, committer: Committer) -> None:
    """An event of a newer release, appended while this process runs: nobody else may notice."""
    other = streams.book(TENANT, an_id("other"))
    await committer.submit(deposit("a", "10.00"))
    touch = command("t", other, BOOK, decide=lambda _: {})
    assert words(await together(committer, replace(touch))) == ["done"]
    async with asyncio.TaskGroup() as group, lock_held(database) as holder:
        racing = group.create_task(
            together(committer, command("x", other, decide=lambda _: {}), spend("b", "4.00"), spend("c", "7.00"))
        )
        await wait_for_the_lock(database)
        await append(holder, group_of(Sent(name="new", facts=(Fact(stream=other, name="thing.from_the_future.v9"),))))
    assert words(racing.result()) == ["CannotDecode", "done", "insufficient_funds"]
    assert committer.healthy
    with pytest.raises(CannotDecode, match="unknown event name"):
        await committer.submit(command("y", other, decide=lambda _: {}))


async def test_a_stream_that_cannot_be_read_fails_nobody_whose_streams_are_read_with_it(
    database: Urls, committer: Committer
) -> None:
    """Asked for in one turn of the loop, they are read in one query; one of them breaks it."""
    other, third = streams.book(TENANT, an_id("other")), streams.book(TENANT, an_id("third"))
    await committer.submit(deposit("a", "10.00"))
    async with await connect(database.app) as connection:
        await append(
            connection, group_of(Sent(name="new", facts=(Fact(stream=other, name="thing.from_the_future.v9"),)))
        )
    async with committing(database) as fresh:
        asked = [fresh.state(stream) for stream in (BOOK, other, third)]
        read, broken, empty = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(broken, CannotDecode)
    assert [found.version for found in (read, empty) if isinstance(found, Versioned)] == [1, 0]


async def test_a_full_queue_refuses_and_does_nothing(database: Urls) -> None:
    async with committing(database, queue_limit=2) as committer:
        async with asyncio.TaskGroup() as group, lock_held(database):
            waiting = [group.create_task(committer.submit(deposit(key, "1.00"))) for key in ("a", "b")]
            await wait_for_the_lock(database)
            with pytest.raises(QueueFull):
                await committer.submit(deposit("c", "1.00"))
            twin = group.create_task(committer.submit(deposit("a", "1.00")))
            await until(lambda: committer.waiting == 2)
        assert [task.result().replayed for task in (*waiting, twin)] == [False, False, True]
        assert (await committer.submit(deposit("c", "1.00"))).body["left"] == "300"


async def test_stopping_finishes_what_waits_and_takes_nothing_more(database: Urls, store: Store) -> None:
    async with committing(database) as committer:
        async with lock_held(database):
            asked = [asyncio.create_task(committer.submit(deposit(str(n), "1.00"))) for n in range(50)]
            await wait_for_the_lock(database)
            assert committer.waiting == 50
            stopping = asyncio.create_task(committer.stop())
        await stopping
        assert [done.refused for done in await asyncio.gather(*asked)] == [False] * 50
        assert not committer.healthy
        with pytest.raises(Stopped):
            await committer.submit(deposit("late", "1.00"))
    assert await store.head() == 50


async def test_a_rehearsal_decides_on_what_is_committed_and_writes_nothing(committer: Committer, store: Store) -> None:
    await committer.submit(deposit("a", "10.00"))
    assert (await committer.rehearse(spend("b", "4.00")))["left"] == "600"
    assert (await committer.rehearse(spend("b", "4.00")))["left"] == "600"
    with pytest.raises(Exception, match="does not hold enough"):
        await committer.rehearse(spend("c", "11.00"))
    assert await store.head() == 1
    assert await store.receipts([spend(key, "1").envelope.command_id for key in ("b", "c")]) == {}


async def test_an_open_write_is_seen_by_who_reads_the_stream_behind_it(committer: Committer) -> None:
    """Two commands of one group on a portfolio's book: the first writes it unread, the second decides on it."""
    connection = an_id("connection")
    portfolio = streams.portfolio_book(TENANT, connection)
    text = f"portfolio:{connection}:holdings +5.00 | portfolio:{connection}:external -5.00"
    seen: list[int] = []

    def look(work: Work) -> Body:
        seen.append(work.state(portfolio).units.get("USD", 0))
        return {}

    write = command(
        "w", decide=lambda work: {"n": len(work.run(portfolio, flow(text, id=an_id("e"), kind="connection_opened")))}
    )
    await committer.submit(command("before", portfolio, decide=lambda _: {}))
    answers = await together(committer, write, command("r", portfolio, decide=look))
    assert words(answers) == ["done", "done"]
    assert seen[-1] == 5 * 10**18
