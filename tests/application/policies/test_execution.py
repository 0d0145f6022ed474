"""An order is sent once: its claim comes first, and what is not known to have failed is not sent again."""

from datetime import UTC, datetime

import pytest

from application import streams
from application.committer import Committer
from application.policies.execution import Execution
from application.ports import OutcomeUnknown, VenueAnswer
from application.store import Store
from domain import paper
from domain.orders.order import Order
from domain.orders.transitions import Status
from interfaces.postgres.configuration import Urls
from tests.application.people import CONNECTION, PEOPLE, connected, order_of, usd
from tests.application.policies.test_runner import Interrupted, caught_up
from tests.application.policies.welcome import Stepping, runner_of
from tests.application.test_execution import placed
from tests.application.world import NOW, TENANT, an_id, reading

pytestmark = pytest.mark.anyio

ORDER = streams.order(TENANT, an_id("o1"))
LAST_STEP = 4
"""Before and after the claim, before and after what the venue said."""


class Venue:
    """A venue that fills at one price and counts what it was sent; it may lose an answer."""

    def __init__(self, *, repeatable: bool, silent: bool = False) -> None:
        self.repeatable = repeatable
        self.silent = silent
        self.sent: list[str] = []

    async def submit(self, order: Order) -> VenueAnswer:
        self.sent.append(order.order)
        if self.silent:
            raise OutcomeUnknown
        opening = paper.Opening(at=NOW, price=usd("30000"))
        return lambda holdings: paper.execute(order, opening, terms=paper.Terms(), holdings=holdings)


class Now:
    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture
async def ordered(committer: Committer) -> Committer:
    for command in (*PEOPLE, connected("10000"), placed(order_of("o1"))):
        assert not (await committer.submit(command)).refused
    return committer


async def run(database: Urls, venue: Venue, *, stop_at: int = 0) -> None:
    """Follow the log to its end with this venue, or until the process ends at a step."""

    async def pause(step: int) -> None:
        if step == stop_at:
            raise Interrupted

    def execution(committer: Committer) -> Execution:
        return Execution(committer=committer, exchanges={"paper": venue}, clock=Now())

    async with (
        reading(database) as store,
        runner_of(execution, database, wrap=lambda inner: Stepping(inner, pause)) as runner,
    ):
        if stop_at:
            with pytest.raises(Interrupted):
                await runner.run()
        else:
            await caught_up(runner, store)


async def state_of(committer: Committer) -> Order:
    order: Order = (await committer.state(ORDER)).state
    return order


@pytest.mark.parametrize("repeatable", [True, False])
async def test_an_order_is_claimed_sent_once_and_its_fill_booked(
    *, repeatable: bool, database: Urls, ordered: Committer, store: Store
) -> None:
    venue = Venue(repeatable=repeatable)
    await run(database, venue)
    await run(database, venue)
    assert venue.sent == [an_id("o1")]
    assert (await state_of(ordered)).status is Status.FILLED
    names = [event.name for event in await store.read_stream(ORDER)]
    assert names == ["order.initialized.v1", "order.submitted.v1", "order.filled.v1"]


async def test_an_answer_that_never_came_leaves_the_order_open_until_a_query(
    *, database: Urls, ordered: Committer, store: Store
) -> None:
    venue = Venue(repeatable=False, silent=True)
    await run(database, venue)
    await run(database, venue)
    order = await state_of(ordered)
    assert (venue.sent, order.status, order.uncertain) == ([an_id("o1")], Status.SUBMITTED, True)
    assert [event.name for event in await store.read_stream(ORDER)][-1] == "order.outcome_unknown.v1"


@pytest.mark.parametrize("step", range(1, LAST_STEP + 1))
async def test_a_crash_at_any_step_sends_no_order_twice(
    *, step: int, database: Urls, ordered: Committer, store: Store
) -> None:
    """Step 2 is the worst moment: the claim is in the log, and nobody knows whether the order has left."""
    venue = Venue(repeatable=False)
    await run(database, venue, stop_at=step)
    await run(database, venue)
    order = await state_of(ordered)
    if step in {2, 3}:
        assert (order.status, order.uncertain) == (Status.SUBMITTED, True)
        assert len(venue.sent) == (0 if step == 2 else 1)
    else:
        assert (order.status, len(venue.sent)) == (Status.FILLED, 1)
    assert len(await store.read_stream(streams.portfolio_book(TENANT, CONNECTION))) == (1 if step in {2, 3} else 2)


@pytest.mark.parametrize("step", range(1, LAST_STEP + 1))
async def test_a_crash_at_any_step_books_one_fill_where_asking_twice_is_asking_once(
    *, step: int, database: Urls, ordered: Committer, store: Store
) -> None:
    venue = Venue(repeatable=True)
    await run(database, venue, stop_at=step)
    await run(database, venue)
    assert (await state_of(ordered)).status is Status.FILLED
    assert len(await store.read_stream(streams.portfolio_book(TENANT, CONNECTION))) == 2
