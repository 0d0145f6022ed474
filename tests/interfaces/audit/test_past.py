"""What replay says was at a moment is what the read models showed then."""

from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from domain.orders.terms import Side
from interfaces.api.pages import plain
from interfaces.audit.past import NoSuchMoment, Past, end_of, replay
from interfaces.audit.snapshot import open_snapshot
from projections import accounts, orders, positions
from tests.interfaces.audit.forgery import Books, some_books
from tests.projections.house import House, coins, projections_of

pytestmark = pytest.mark.anyio

SHOWN_OF_ORDERS = ("id", "user", "connection", "instrument", "side", "status", "filled", "cost", "fees")
SHOWN_OF_POSITIONS = ("connection", "instrument", "strategy", "quantity", "cost", "realised")


@pytest.fixture
async def house(house: House) -> AsyncIterator[House]:
    async with projections_of(house.urls):
        yield house


async def shown(house: House) -> tuple[int, list[Any], list[Any], list[Any]]:
    """Return what the read models show now, and up to where."""
    head = await house.caught_up()
    async with house.reading() as connection:
        listed = await accounts.list_accounts(connection, limit=500)
        placed = await orders.list_orders(connection, limit=500)
        held = await positions.list_positions(connection, limit=500)
    balances = [
        {"account": one.account.path, "asset": amount.asset.code, "amount": amount.format_plain()}
        for one in listed.items
        for amount in one.amounts
    ]
    return (
        head,
        balances,
        [{name: plain(getattr(order, name)) for name in SHOWN_OF_ORDERS} for order in reversed(placed.items)],
        [{name: plain(getattr(position, name)) for name in SHOWN_OF_POSITIONS} for position in held.items],
    )


def replayed(house: House, until: str, *, tenant: str | None = None) -> Past:
    with closing(open_snapshot(house.urls.projector)) as snapshot:
        return replay(snapshot, end_of(snapshot, until), tenant=tenant)


def told(past: Past) -> tuple[int, list[Any], list[Any], list[Any]]:
    lists = (past.balances, past.orders, past.positions)
    mine = ([{name: said for name, said in line.items() if name != "tenant"} for line in lines] for lines in lists)
    balances, placed, held = mine
    return past.log_position, balances, placed, held


async def go_on(books: Books) -> None:
    order = await books.house.order(books.ana, books.connection, side=Side.SELL)
    await books.house.fill(order, 40_000, fee=coins(1, "USDT"))
    await books.house.deposit(books.bob, 77)


async def test_replay_until_a_position_says_what_the_read_models_showed_there(house: House) -> None:
    books = await some_books(house)
    moments = [await shown(house)]
    for _ in range(3):
        await go_on(books)
        moments.append(await shown(house))
    assert len({str(moment) for moment in moments}) == 4, "every moment is another"
    for moment in moments:
        assert told(replayed(house, str(moment[0]))) == moment


async def test_replay_until_a_time_takes_what_was_recorded_by_then(house: House) -> None:
    books = await some_books(house)
    before = await shown(house)
    await go_on(books)
    ((recorded_at,),) = await house.execute("SELECT recorded_at FROM log.events WHERE notification_id = %s", before[0])
    assert told(replayed(house, recorded_at.isoformat())) == before
    earlier = replayed(house, (recorded_at - timedelta(microseconds=1)).isoformat())
    assert earlier.log_position < before[0]
    assert replayed(house, "2001-01-01T00:00:00Z").balances == ()


async def test_replay_never_stops_inside_an_append(house: House) -> None:
    await some_books(house)
    events = (await house.store.read_after(0, limit=1_000)).events
    first = next(event for event in events if event.append_size > 1 and event.append_index == 1)
    assert replayed(house, str(first.log_position)).log_position == first.log_position - 1


async def test_one_tenants_past_holds_nothing_of_another(house: House) -> None:
    await some_books(house)
    until = str(await house.store.head())
    whole = replayed(house, until)
    ours, theirs = (replayed(house, until, tenant=tenant) for tenant in ("acme", "other"))
    assert (ours.balances, ours.orders) == (whole.balances, whole.orders)
    assert (theirs.balances, theirs.orders, theirs.positions) == ((), (), ())


@pytest.mark.parametrize("until", ["1000000", "yesterday", "2026-01-01T00:00:00", "-1", ""])
async def test_what_is_no_moment_of_the_log_is_refused(house: House, until: str) -> None:
    await house.open()
    with pytest.raises(NoSuchMoment):
        replayed(house, until)
