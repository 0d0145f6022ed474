"""Snapshots that are not what replay comes to."""

import pytest

from application import streams
from interfaces.audit.verify import verify
from tests.interfaces.audit.forgery import Books, found, take_snapshots, tamper

pytestmark = pytest.mark.anyio


async def last_position(books: Books, stream: str) -> int:
    events = await books.house.store.read_stream(stream)
    return events[-1].log_position


@pytest.mark.parametrize(
    ("old", "new"),
    [("-5000", "-5001"), ('"balances"', '"balance"'), ("}", ""), ("2026-01-01", "2026-01-02")],
)
async def test_a_snapshot_that_was_changed(books: Books, old: str, new: str) -> None:
    await take_snapshots(books.house)
    book = streams.book("acme", books.ana)
    tamper(
        books.house.urls,
        "UPDATE log.snapshots SET state = convert_to(replace(convert_from(state, 'UTF8'), %s, %s), 'UTF8')"
        " WHERE stream = %s AND position(%s IN convert_from(state, 'UTF8')) > 0",
        *(old, new, book, old),
    )
    assert found(books.house.urls) == {("snapshots", await last_position(books, book))}


async def test_a_snapshot_of_another_version_than_it_says(books: Books) -> None:
    await take_snapshots(books.house)
    book = streams.book("acme", books.bob)
    tamper(books.house.urls, "UPDATE log.snapshots SET version = 1 WHERE stream = %s", book)
    first, _ = await books.house.store.read_stream(book)
    assert found(books.house.urls) == {("snapshots", first.log_position)}


async def test_a_snapshot_beyond_the_end_of_its_stream(books: Books) -> None:
    await take_snapshots(books.house)
    book = streams.book("acme", books.bob)
    tamper(books.house.urls, "UPDATE log.snapshots SET version = 9 WHERE stream = %s", book)
    assert found(books.house.urls) == {("snapshots", await last_position(books, book))}


async def test_a_snapshot_of_a_stream_that_does_not_exist(books: Books) -> None:
    await take_snapshots(books.house)
    book = streams.book("acme", books.bob)
    tamper(
        books.house.urls, "UPDATE log.snapshots SET stream = %s WHERE stream = %s", streams.book("acme", "f" * 32), book
    )
    assert found(books.house.urls) == {("snapshots", None)}


async def test_a_snapshot_of_another_schema_is_left_alone_and_counted(books: Books) -> None:
    await take_snapshots(books.house)
    tamper(books.house.urls, "UPDATE log.snapshots SET schema_hash = 'old', state = 'x'")
    verified = verify(books.house.urls.projector)
    (check,) = (check for check in verified.checks if check.check == "snapshots")
    assert verified.is_sound
    assert check.counts["snapshots"] == 0
    assert check.counts["of another schema"] > 0


async def test_a_snapshot_in_the_middle_of_a_stream_is_compared_there(books: Books) -> None:
    await take_snapshots(books.house)
    await books.house.deposit(books.ana, 100)
    await take_snapshots(books.house)
    assert found(books.house.urls) == set()
