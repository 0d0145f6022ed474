"""Books that are as they should be: nothing is found, wherever read models stand and however many processes look."""

import pytest
from anyio import from_thread, to_thread

from interfaces.audit import verify as verifying
from interfaces.audit.verify import CHECKS, verify
from interfaces.postgres.configuration import Urls
from projections.models import PROJECTIONS
from tests.interfaces.audit.forgery import Books, found, take_snapshots
from tests.interfaces.audit.sealing import seal
from tests.projections.house import projections_of

pytestmark = pytest.mark.anyio


def test_an_empty_log_is_sound(database: Urls) -> None:
    verified = verify(database.projector)
    assert verified.is_sound
    assert (verified.log_position, verified.receipts) == (0, 0)


async def test_what_the_real_command_path_wrote_is_sound(books: Books) -> None:
    verified = verify(books.house.urls.projector)
    assert verified.findings == ()
    assert verified.log_position == await books.house.store.head()
    assert [check.check for check in verified.checks] == list(CHECKS)


async def test_every_check_looks_at_something(books: Books) -> None:
    await take_snapshots(books.house)
    await seal(books.house)
    async with projections_of(books.house.urls):
        await books.house.caught_up()
    verified = verify(books.house.urls.projector)
    assert verified.findings == ()
    assert [check.check for check in verified.checks if not any(check.counts.values())] == []


async def test_read_models_behind_the_log_are_compared_at_their_own_cursors(books: Books) -> None:
    async with projections_of(books.house.urls):
        await books.house.caught_up()
    await books.house.deposit(books.ana, 100)
    await books.house.user("late")
    assert found(books.house.urls) == set()


async def test_read_models_at_different_cursors_are_sound(books: Books) -> None:
    async with projections_of(books.house.urls, [PROJECTIONS["accounts"], PROJECTIONS["users"]]):
        await books.house.caught_up("accounts", "users")
    await books.house.deposit(books.ana, 100)
    async with projections_of(books.house.urls, [PROJECTIONS["journal"], PROJECTIONS["orders"]]):
        await books.house.caught_up("journal", "orders")
    assert found(books.house.urls) == set()


async def test_two_processes_and_many_ranges_find_the_same(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    await take_snapshots(books.house)
    async with projections_of(books.house.urls):
        await books.house.caught_up()
    alone = verify(books.house.urls.projector, processes=1)
    monkeypatch.setattr(verifying, "WORTH_A_HELPER", 1)
    monkeypatch.setattr(verifying, "RANGE", 3)
    together = verify(books.house.urls.projector)
    assert together.findings == ()
    assert {check.check: check.counts for check in together.checks} == {
        check.check: check.counts for check in alone.checks
    }


async def test_what_is_appended_meanwhile_is_not_seen(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "RANGE", 3)
    head = await books.house.store.head()

    def told(done: int, total: int) -> None:
        if done in {1, total - 1}:
            from_thread.run(books.house.deposit, books.ana, 100)

    verified = await to_thread.run_sync(lambda: verify(books.house.urls.projector, told=told))
    assert (verified.findings, verified.log_position) == ((), head)
    assert await books.house.store.head() == head + 2
