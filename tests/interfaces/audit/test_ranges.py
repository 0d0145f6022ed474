"""A range of the log is judged by itself, on what was before it; what a range cannot prove is said and not claimed."""

from pathlib import Path

import psycopg
import pytest

from interfaces.audit.report import as_object
from interfaces.audit.scope import NoSuchRange
from interfaces.audit.verify import Verified, verify
from interfaces.cli.audit import verify_database
from tests.interfaces.audit.forgery import Books, change, entry, forge, positions_of, take_snapshots, tamper
from tests.interfaces.audit.resumed import SEALS
from tests.interfaces.audit.sealing import seal
from tests.projections.house import projections_of

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("small_ranges")]

BEYOND = "tables beyond the range, not compared"


def judged(books: Books, first: int = 1, last: int | None = None) -> Verified:
    return verify(books.house.urls.projector, processes=1, seals=SEALS, first=first, last=last)


def found(verified: Verified) -> set[tuple[str, int | None]]:
    return {(one.check, one.log_position) for one in verified.findings}


async def test_every_range_of_sound_books_is_sound(books: Books) -> None:
    await take_snapshots(books.house)
    await seal(books.house)
    async with projections_of(books.house.urls):
        await books.house.caught_up()
    head = await books.house.store.head()
    for first, last in ((1, head // 2), (head // 3, head // 2), (head // 2, head), (head // 2, None), (head, head)):
        verified = judged(books, first, last)
        assert verified.findings == (), (first, last)
        assert (verified.outside, verified.scope.behind < first <= verified.log_position) == (0, True)


async def test_a_range_is_cut_at_ends_of_appends_and_holds_what_was_asked_for(books: Books) -> None:
    query = "SELECT min(notification_id) FROM log.events WHERE append_size > 2 AND append_index = 2"
    ((inside,),) = await books.house.execute(query)
    ((size,),) = await books.house.execute(f"SELECT append_size FROM log.events WHERE notification_id = {inside}")  # noqa: S608 - a number
    verified = judged(books, inside, inside)
    assert (verified.scope.behind, verified.log_position) == (inside - 2, inside - 2 + size)
    assert (verified.events, verified.receipts) == (size, 1)


async def test_what_is_wrong_is_found_in_its_range_and_only_counted_outside(books: Books) -> None:
    house = books.house
    lines = (f"liabilities:users:{books.ana}:real:available", "50.01 USD"), ("assets:psp:x", "-50.01 USD")
    wrong = await forge(house, (f"acme:book-{books.ana}", entry(*lines, now=house.now)))
    await house.user("late")
    assert found(judged(books, wrong, wrong)) == {("guards", wrong)}
    before, after = judged(books, 1, wrong - 1), judged(books, wrong + 1)
    assert (found(before), before.outside) == (set(), 0)
    assert (found(after), after.outside > 0) == (set(), True)
    assert as_object(after)["found_outside"] == after.outside


async def test_a_range_is_judged_on_the_balances_before_it(books: Books) -> None:
    house = books.house
    lines = (f"liabilities:users:{books.ana}:real:available", "50.01 USD"), ("assets:psp:x", "-50.01 USD")
    wrong = await forge(house, (f"acme:book-{books.ana}", entry(*lines, now=house.now)))
    assert found(judged(books, wrong)) == {("guards", wrong)}


async def test_a_stream_goes_on_from_before_the_range(books: Books) -> None:
    await books.house.deposit(books.ana, 1)
    position = (await positions_of(books.house, "ledger.entry_posted.v1"))[-1]
    assert found(judged(books, position)) == set()
    tamper(
        books.house.urls,
        "UPDATE log.events SET originator_version = originator_version + 5 WHERE notification_id = %s",
        position,
    )
    assert ("stream versions", position) in found(judged(books, position, position))


async def test_tables_of_models_that_have_read_further_are_not_compared_and_the_report_says_so(books: Books) -> None:
    async with projections_of(books.house.urls):
        await books.house.caught_up()
    with psycopg.connect(books.house.urls.owner) as connection:
        connection.execute("UPDATE users_g1.users SET status = 'SUSPENDED' WHERE id = %s", (books.ana,))
        connection.execute("UPDATE accounts_g1.balances SET units = units + 1")
    head = await books.house.store.head()
    beyond = judged(books, 1, head - 5)
    assert beyond.findings == ()
    counts = {check.check: check.counts for check in beyond.checks}
    assert counts["model users"][BEYOND] == counts["model accounts"][BEYOND] == 1
    later = judged(books, head - 5)
    assert {check for check, _ in found(later)} == {"model accounts"}
    assert later.outside == 1  # Ana's row was made before the range.
    assert {check for check, _ in found(judged(books))} == {"model users", "model accounts"}


async def test_rows_of_read_models_are_compared_in_their_range(books: Books) -> None:
    async with projections_of(books.house.urls):
        await books.house.caught_up()
    (*_, before, wrong) = await positions_of(books.house, "ledger.entry_posted.v1")
    with psycopg.connect(books.house.urls.owner) as connection:
        connection.execute("UPDATE journal_g1.entries SET note = 'x' WHERE log_position = %s", (wrong,))
    assert ("model journal", wrong) in found(judged(books, wrong, wrong))
    assert found(judged(books, before, before)) == set()


async def test_receipts_and_seals_are_compared_in_their_range(books: Books) -> None:
    await seal(books.house)
    wrong = (await positions_of(books.house, "ledger.entry_posted.v1"))[0]
    change(books.house.urls, wrong, old="{", new="{ ")
    cover = "UPDATE log.receipts SET actor = 'cli:mallory' WHERE %s BETWEEN first_log_position AND last_log_position"
    tamper(books.house.urls, cover, wrong)
    checks = {check for check, _ in found(judged(books, wrong, wrong))}
    assert {"evidence of events", "evidence of receipts", "receipts", "codec"} <= checks
    later = judged(books, wrong + 10, wrong + 40)
    assert (found(later), later.is_sound) == (set(), True)


async def test_there_is_no_range_outside_the_log(books: Books, tmp_path: Path) -> None:
    head = await books.house.store.head()
    for first, last in ((0, None), (head + 1, None), (9, 8), (1, head + 1)):
        with pytest.raises(NoSuchRange):
            verify_database(
                books.house.urls.projector, as_json=True, first=first, last=last, file=tmp_path / "x.progress"
            )
