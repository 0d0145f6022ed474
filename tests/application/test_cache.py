"""What a committer remembers is decided on without a look at the log only while nobody else has appended."""

import asyncio
from collections.abc import Mapping

import pytest

from application.cache import StateCache
from application.codec import encode
from application.commands import Body
from application.committer import Committer
from application.store import Loaded, Store, append, load
from application.work import Versioned, Work
from domain.ids import UserId
from domain.ledger import book
from domain.ledger.entry import EntryPosted
from interfaces.postgres.configuration import Urls
from tests.application.appends import HOUSE, Fact, Sent, group_of
from tests.application.world import (
    BOOK,
    NOW,
    an_id,
    command,
    committing,
    connect,
    deposit,
    flow,
    lock_held,
    until,
    wait_for_the_lock,
)
from tests.domain.ledger.entries import entry

pytestmark = pytest.mark.anyio

OTHER = UserId(an_id("other"))


def seen(work: Work) -> Body:
    return {"version": work.version(BOOK)}


def see_house(work: Work) -> Body:
    return {"version": work.version(HOUSE)}


def write_house(work: Work) -> Body:
    work.run(HOUSE, flow("psp:a +1.00 | bank:own:main -1.00", id=an_id("open"), kind="deposit"))
    return {}


async def let_another_move_the_book(database: Urls, committer: Committer) -> None:
    """The committer knows the book as it was before another moved it, and has appended something else since."""
    await committer.submit(deposit("first", "1.00"))
    async with committing(database) as another:
        await another.submit(deposit("second", "1.00"))
    await committer.submit(deposit("third", "1.00", user=OTHER))


async def test_what_another_process_moved_is_noticed_behind_ones_own_last_command(
    database: Urls, committer: Committer
) -> None:
    await let_another_move_the_book(database, committer)
    assert (await committer.submit(command("reading", BOOK, decide=seen))).body == {"version": 2}


async def test_what_another_process_moved_is_noticed_behind_a_group_that_is_under_way(
    database: Urls, committer: Committer
) -> None:
    await let_another_move_the_book(database, committer)
    await committer.submit(deposit("alone again", "1.00", user=OTHER))
    async with asyncio.TaskGroup() as group, lock_held(database):
        under_way = group.create_task(committer.submit(deposit("under way", "1.00", user=OTHER)))
        await wait_for_the_lock(database)
        reading = group.create_task(committer.submit(command("reading", BOOK, decide=seen)))
        await asyncio.sleep(0)
    assert not under_way.result().refused
    assert reading.result().body == {"version": 2}


async def test_what_another_process_moves_before_the_group_that_is_under_way_is_noticed(
    database: Urls, committer: Committer
) -> None:
    """The first group is appended behind the other process and has not read what that moved; the second has."""
    for turn in ("first", "second"):
        await committer.submit(deposit(turn, "1.00"))
        await committer.submit(deposit(f"{turn} of another", "1.00", user=OTHER))
    async with asyncio.TaskGroup() as group, lock_held(database) as holder:
        under_way = group.create_task(committer.submit(deposit("under way", "1.00", user=OTHER)))
        await wait_for_the_lock(database)
        reading = group.create_task(committer.submit(command("reading", BOOK, decide=seen)))
        await wait_for_the_lock(database, 2)
        name, state = encode(EntryPosted(entry=entry(), posted_at=NOW))
        moving = Sent(name="moving", facts=(Fact(stream=BOOK, version=3, name=name, state=state),))
        assert (await append(holder, group_of(moving, bases={BOOK: 2}))).outcome == "appended"
    assert not under_way.result().refused
    assert reading.result().body == {"version": 3}


async def test_a_committer_alone_is_taken_at_its_word(committer: Committer) -> None:
    """What it loaded and what it wrote stays current as long as every append is its own."""
    currency = committer._cache.currency  # noqa: SLF001 - nothing else shows it but the time it saves
    for turn in range(3):
        await committer.submit(deposit(f"turn {turn}", "1.00"))
        await committer.submit(deposit(f"turn {turn} of another", "1.00", user=OTHER))
    assert currency.holds({BOOK: 3}, {})


async def test_what_was_read_while_another_process_appended_is_not_current(
    database: Urls, store: Store, committer: Committer
) -> None:
    await committer.submit(deposit("first", "1.00"))
    cache = StateCache(10)

    async def overtaken(wanted: Mapping[str, tuple[int, str]]) -> dict[str, Loaded]:
        async with await connect(database.app) as reading:
            loaded = await load(reading, wanted)
        cache.currency.doubt()
        return loaded

    await cache.refresh([BOOK], overtaken)
    assert not cache.currency.holds({BOOK: 1}, {})
    await cache.refresh([BOOK], store.load)
    assert cache.currency.holds({BOOK: 1}, {})


async def test_what_is_written_without_its_state_is_not_current_any_more(committer: Committer) -> None:
    """A book that one command read and another writes without a base: who reads it again must see what was written."""
    assert (await committer.submit(command("before", HOUSE, decide=see_house))).body == {"version": 0}
    await committer.submit(command("writing", decide=write_house))
    assert (await committer.submit(command("after", HOUSE, decide=see_house))).body == {"version": 1}


async def test_what_is_read_while_it_is_being_written_without_its_state_is_not_current(
    database: Urls, committer: Committer
) -> None:
    """The reader is decided behind the writer on what the log shows, which lacks what the writer is about to write."""
    await committer.submit(deposit("alone", "1.00"))
    async with asyncio.TaskGroup() as group, lock_held(database):
        writing = group.create_task(committer.submit(command("writing", decide=write_house)))
        await wait_for_the_lock(database)
        reading = group.create_task(committer.submit(command("reading", HOUSE, decide=see_house)))
        await until(lambda: not committer._cache.missing([HOUSE]))  # noqa: SLF001 - it has been read by then
        await asyncio.sleep(0)
    assert not writing.result().refused
    assert reading.result().body == {"version": 1}


async def test_what_is_dropped_is_not_current() -> None:
    cache, first = StateCache(1), Versioned(1, book.INITIAL)
    cache.appended({"a": first}, {"a": 1, "never kept": 3})
    assert cache.currency.holds({"a": 1}, {})
    assert not cache.currency.holds({"never kept": 3}, {})
    cache.appended({"b": first}, {"b": 1})
    assert not cache.currency.holds({"a": 1}, {})
    cache.clear()
    assert not cache.currency.holds({"b": 1}, {})
