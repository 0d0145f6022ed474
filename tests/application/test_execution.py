"""From an order on record to its fill: who may send, and three events in one append that nothing can do twice."""

import asyncio
from datetime import timedelta

import pytest

from application import streams
from application.commands import Command
from application.committer import Committer
from application.execution import record_answer, record_report, submit_order
from application.orders import place_order
from application.ports import VenueAnswer
from application.store import Store
from domain import paper
from domain.connections import UnknownConnection
from domain.holdings import Holdings
from domain.ledger.entry import EntryPosted
from domain.orders.commands import PlaceOrder, RecordOutcomeUnknown, SubmitOrder
from domain.orders.errors import DuplicateTrade, InvalidOrderSize, OrderTransitionRefused
from domain.orders.events import OrderFilled, OrderInitialized, OrderOutcomeUnknown, OrderRejected, OrderSubmitted
from domain.orders.order import Order
from domain.orders.terms import Side
from domain.orders.transitions import Status
from domain.positions.events import PositionFilled
from domain.positions.state import Position
from domain.positions.terms import Market
from domain.users import NotActive
from interfaces.postgres.configuration import Urls
from tests.application.memory import Memory
from tests.application.outcomes import words
from tests.application.people import ANA, BOB, CONNECTION, PEOPLE, btc, connected, order_of, spending, suspended, usd
from tests.application.world import NOW, TENANT, committing, envelope, lock_held, wait_for_the_lock

CLAIM = SubmitOrder(epoch=1, deadline=NOW + timedelta(seconds=30), occurred_at=NOW)
TERMS = paper.Terms(slippage_bps=0, fee_bps=10)
PORTFOLIO = streams.portfolio_book(TENANT, CONNECTION)
POSITION = streams.position(TENANT, CONNECTION, instrument="btc-usd", strategy=None)


def placed(order: PlaceOrder, *, key: str = "place") -> Command:
    return place_order(envelope(f"{key} {order.order}", actor=order.user), order)


def sent(order: PlaceOrder, *, key: str = "send") -> Command:
    return submit_order(envelope(f"{key} {order.order}"), order.order, CLAIM)


def paper_says(order: Order, price: str) -> VenueAnswer:
    """Return the answer of the paper venue, where one coin costs this much."""
    opening = paper.Opening(at=NOW, price=usd(price))
    return lambda holdings: paper.execute(order, opening, terms=TERMS, holdings=holdings)


def answered(order: Order, price: str = "30000", *, key: str = "answer") -> Command:
    return record_answer(envelope(f"{key} {order.order}"), order, market=Market.SPOT, answer=paper_says(order, price))


def on_its_way(memory: Memory, order: PlaceOrder) -> Order:
    """Place and send an order; return it as it stands."""
    memory.given(placed(order), sent(order))
    state: Order = memory.state(streams.order(TENANT, order.order))
    return state


@pytest.fixture
def memory() -> Memory:
    return Memory().given(*PEOPLE, connected("10000"))


def test_an_order_is_on_record_before_anything_is_sent(memory: Memory) -> None:
    (initialized,) = memory.when(placed(order_of("o1"))).appends(OrderInitialized)
    assert (initialized.user, initialized.quantity) == (ANA, btc("0.1"))
    memory.when(placed(order_of("o1"), key="again")).raises(OrderTransitionRefused)


def test_only_the_owner_of_the_connection_who_is_active_places_orders_on_it(memory: Memory) -> None:
    memory.when(placed(order_of("o1", user=BOB))).raises(UnknownConnection)
    memory.given(suspended(ANA))
    memory.when(placed(order_of("o1"))).raises(NotActive)


def test_an_order_has_one_size_above_zero(memory: Memory) -> None:
    memory.when(placed(order_of("o1", quantity="0"))).raises(InvalidOrderSize, at=("quantity",))
    memory.when(placed(spending(order_of("o2"), "0"))).raises(InvalidOrderSize, at=("quote_amount",))


def test_one_process_claims_the_sending(memory: Memory) -> None:
    memory.given(placed(order_of("o1")))
    memory.when(sent(order_of("o1"))).appends(OrderSubmitted)
    memory.when(sent(order_of("o1"), key="another")).raises(OrderTransitionRefused, status="SUBMITTED")


def test_an_order_whose_outcome_is_unknown_waits_for_a_query(memory: Memory) -> None:
    order = on_its_way(memory, order_of("o1"))
    unknown = record_report(envelope("u"), order.order, RecordOutcomeUnknown(occurred_at=NOW))
    memory.when(unknown).appends(OrderOutcomeUnknown)
    assert memory.state(streams.order(TENANT, order.order)).uncertain
    memory.when(unknown).nothing()
    memory.when(answered(order)).appends(OrderFilled, PositionFilled, EntryPosted)
    assert not memory.state(streams.order(TENANT, order.order)).uncertain


def test_a_fill_is_three_events_in_one_append(memory: Memory) -> None:
    order = on_its_way(memory, order_of("o1"))
    filled, booked, posted = memory.when(answered(order)).appends(OrderFilled, PositionFilled, EntryPosted)
    assert (filled.status, filled.quantity, filled.cost, filled.fee) == (
        Status.FILLED, btc("0.1"), usd("3000"), usd("3"),
    )  # fmt: skip
    assert booked.order == order.order
    assert {(line.account.split(":", 2)[2], str(line.amount)) for line in posted.entry.postings} == {
        ("holdings", "0.1 BTC"), ("conversion:btc-usd:none", "-0.1 BTC"),
        ("holdings", "-3003.00 USD"), ("conversion:btc-usd:none", "3000.00 USD"), ("fees", "3.00 USD"),
    }  # fmt: skip
    assert memory.state(POSITION) == Position(quantity=10**17, cost=3_000 * 10**18)
    assert memory.state(PORTFOLIO) == Holdings(units={"USD": 6_997 * 10**18, "BTC": 10**17})


def test_a_sale_realises_its_result_in_the_same_entry(memory: Memory) -> None:
    memory.given(answered(on_its_way(memory, order_of("o1"))))
    sale = on_its_way(memory, order_of("o2", Side.SELL))
    _, _, posted = memory.when(answered(sale, "33000")).appends(OrderFilled, PositionFilled, EntryPosted)
    assert ("pnl", "-300.00 USD") in {
        (line.account.split(":", 2)[2], str(line.amount)) for line in posted.entry.postings
    }
    assert memory.state(POSITION) == Position(quantity=0, cost=0)


def test_the_same_fill_is_booked_once(memory: Memory) -> None:
    order = on_its_way(memory, order_of("o1"))
    memory.given(answered(order))
    memory.when(answered(order, key="another request")).raises(DuplicateTrade, trade_id=order.order)


def test_an_entry_of_a_fill_has_the_id_of_its_trade(memory: Memory) -> None:
    order = on_its_way(memory, order_of("o1"))
    ids = set()
    for key in ("one", "another"):
        copy = Memory(dict(memory.states))
        ids.add(copy.when(answered(order, key=key)).appends(OrderFilled, PositionFilled, EntryPosted)[2].entry.id)
    assert len(ids) == 1


def test_what_the_holdings_do_not_cover_is_rejected_and_books_nothing(memory: Memory) -> None:
    order = on_its_way(memory, order_of("o1", quantity="0.34"))
    (rejected,) = memory.when(answered(order)).appends(OrderRejected)
    assert rejected.reason == "insufficient_holdings"


def test_the_answer_looks_at_the_holdings_as_they_are_when_it_is_appended(memory: Memory) -> None:
    first, second = (on_its_way(memory, order_of(name, quantity="0.2")) for name in ("o1", "o2"))
    memory.when(answered(first)).appends(OrderFilled, PositionFilled, EntryPosted)
    memory.when(answered(second)).appends(OrderRejected)


async def prepare(committer: Committer, *orders: PlaceOrder) -> list[Order]:
    for one in (*PEOPLE, connected("10000"), *(act(order) for order in orders for act in (placed, sent))):
        assert not (await committer.submit(one)).refused
    return [(await committer.state(streams.order(TENANT, order.order))).state for order in orders]


@pytest.mark.anyio
async def test_of_two_orders_that_race_for_the_same_holdings_one_fills(
    database: Urls, committer: Committer, store: Store
) -> None:
    first, second = await prepare(committer, order_of("o1", quantity="0.2"), order_of("o2", quantity="0.2"))
    async with committing(database) as other:
        await other.state(PORTFOLIO)
        async with asyncio.TaskGroup() as group, lock_held(database):
            racing = [
                group.create_task(one.submit(answered(order))) for one, order in ((committer, first), (other, second))
            ]
            await wait_for_the_lock(database, 2)
    statuses = sorted(str(task.result().body["status"]) for task in racing)
    assert statuses == ["FILLED", "REJECTED"]
    assert len(await store.read_stream(PORTFOLIO)) == 2
    assert len(await store.read_stream(POSITION)) == 1


@pytest.mark.anyio
async def test_a_fill_replayed_by_another_process_changes_nothing(
    database: Urls, committer: Committer, store: Store
) -> None:
    (order,) = await prepare(committer, order_of("o1"))
    done = await committer.submit(answered(order))
    head = await store.head()
    assert (done.receipt.last_log_position, done.receipt.first_log_position) == (head, head - 2)
    async with committing(database) as other:
        again = await other.submit(answered(order))
        assert (again.replayed, again.receipt.number) == (True, done.receipt.number)
        assert words([await other.submit(answered(order, key="another request"))]) == ["duplicate_trade"]
    assert await store.head() == head
    three = (await store.read_after(head - 3, limit=9)).events
    assert [(one.name, one.append_index, one.append_size) for one in three] == [
        ("order.filled.v1", 1, 3), ("position.filled.v1", 2, 3), ("ledger.entry_posted.v1", 3, 3),
    ]  # fmt: skip
