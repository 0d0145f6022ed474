"""Fills that no position booked or that one booked wrongly, and accounts that do not stand where the fold does."""

from dataclasses import replace
from datetime import datetime

import pytest

from application import streams
from application.codec import decode
from domain.ids import EntryId
from domain.ledger.entry import EntryPosted
from domain.orders.events import OrderFilled
from domain.positions import entries
from domain.positions.events import CoinsReassigned, DustRemoved, Part, PositionEvent, PositionFilled
from domain.positions.fold import Effect
from tests.interfaces.audit.forgery import Books, entry, forge, found, positions_of
from tests.projections.house import coins, name

pytestmark = pytest.mark.anyio


def part(effect: Effect, quantity: int, *, value: int, cost: int, realised: int = 0) -> Part:
    """Return a part in whole coins."""
    usdt = [coins(number, "USDT") for number in (value, cost, realised)]
    return Part(effect=effect, quantity=coins(quantity, "BTC"), value=usdt[0], cost=usdt[1], realised=usdt[2])


def booked(*events: PositionEvent, now: datetime) -> EntryPosted:
    """Return the entry that belongs to the events."""
    made = entries.entry(*events, id=EntryId(name("forged entry")), effective_at=now)
    assert made is not None
    return EntryPosted(entry=made, posted_at=now)


def position_stream(books: Books) -> str:
    return streams.position("acme", books.connection, instrument="btc-usdt", strategy=None)


def portfolio(books: Books) -> str:
    return streams.portfolio_book("acme", books.connection)


async def last_fill(books: Books) -> tuple[OrderFilled, PositionFilled]:
    """Return the two events of Ana's last fill, which sold 1 of 3 BTC."""
    house = books.house
    made = []
    for topic in ("order.filled.v1", "position.filled.v1"):
        at = (await positions_of(house, topic))[-1]
        ((state,),) = await house.execute("SELECT state FROM log.events WHERE notification_id = %s", at)
        made.append(decode(topic, state))
    order, position = made
    return order, position


async def test_a_fill_that_no_position_booked(books: Books) -> None:
    filled, _ = await last_fill(books)
    again = replace(filled, trade_id="another")
    position = await forge(books.house, (streams.order("acme", filled.order), again))
    assert found(books.house.urls) == {("fills", position)}


async def test_a_fill_booked_that_no_order_knows(books: Books) -> None:
    _, filled = await last_fill(books)
    bought = replace(
        filled, trade_id="another", parts=(part(Effect.OPENS, 1, value=100, cost=100),), fee=coins(0, "USDT")
    )
    bought = replace(bought, fee_of_closed=bought.fee)
    position = await forge(
        books.house, (position_stream(books), bought), (portfolio(books), booked(bought, now=books.house.now))
    )
    assert found(books.house.urls) == {("fills", position)}


async def sell(books: Books, *parts: Part, quantity: int = 1, cost: int = 33_000) -> int:
    """Append another fill of Ana's last order, a sale booked in these parts; return its log position."""
    filled, last = await last_fill(books)
    free = coins(0, "USDT")
    sold = replace(filled, trade_id="another", quantity=coins(quantity, "BTC"), cost=coins(cost, "USDT"), fee=free)
    event = replace(last, trade_id="another", parts=parts, fee=free, fee_of_closed=free)
    return await forge(
        books.house,
        (streams.order("acme", filled.order), sold),
        (position_stream(books), event),
        (portfolio(books), booked(event, now=books.house.now)),
    )


async def test_a_fill_booked_as_the_fold_has_it_is_sound(books: Books) -> None:
    closing = part(Effect.CLOSES, -1, value=-33_000, cost=-31_000, realised=2_000)
    await sell(books, closing)
    assert found(books.house.urls) == set()


async def test_a_fill_booked_at_another_cost_than_the_fold_has(books: Books) -> None:
    position = await sell(books, part(Effect.CLOSES, -1, value=-33_000, cost=-30_000, realised=3_000))
    assert found(books.house.urls) == {("fills", position + 1)}


async def test_a_fill_booked_with_other_figures_than_it_was_filled_with(books: Books) -> None:
    closing = part(Effect.CLOSES, -1, value=-33_000, cost=-31_000, realised=2_000)
    position = await sell(books, closing, cost=33_001)
    assert found(books.house.urls) == {("fills", position)}


async def test_6_a_conversion_account_that_the_fold_does_not_explain(books: Books) -> None:
    house, held = books.house, f"portfolio:{books.connection}"
    moved = entry(
        (f"{held}:conversion:btc-usdt:none", "1 USDT"), (f"{held}:unassigned", "-1 USDT"), kind="dust", now=house.now
    )
    position = await forge(house, (portfolio(books), moved))
    assert found(house.urls) == {("positions", position)}


async def test_6_a_position_whose_change_the_ledger_does_not_know(books: Books) -> None:
    moved = CoinsReassigned(
        key=books.key,
        price=coins(31_000, "USDT"),
        parts=(part(Effect.CLOSES, -1, value=-31_000, cost=-31_000),),
        occurred_at=books.house.now,
    )
    position = await forge(books.house, (position_stream(books), moved))
    assert found(books.house.urls) == {("positions", position)}


async def test_6_a_result_on_pnl_that_nobody_realised(books: Books) -> None:
    house, held = books.house, f"portfolio:{books.connection}"
    gain = entry((f"{held}:holdings", "5 USDT"), (f"{held}:pnl", "-5 USDT"), kind="fill", reference="r", now=house.now)
    position = await forge(house, (portfolio(books), gain))
    assert ("positions", position) in found(house.urls)
    assert {check for check, _ in found(house.urls)} == {"positions"}


async def test_6_a_flat_position_that_costs_something(books: Books) -> None:
    held = part(Effect.CLOSES, -2, value=-61_999, cost=-61_999)
    gone = DustRemoved(key=books.key, parts=(held,), occurred_at=books.house.now)
    position = await forge(
        books.house, (position_stream(books), gone), (portfolio(books), booked(gone, now=books.house.now))
    )
    assert found(books.house.urls) == {("positions", position + 1)}


async def test_6_a_spot_position_below_zero(books: Books) -> None:
    sold = part(Effect.CLOSES, -3, value=-93_000, cost=-93_000)
    moved = CoinsReassigned(key=books.key, price=coins(31_000, "USDT"), parts=(sold,), occurred_at=books.house.now)
    position = await forge(
        books.house, (position_stream(books), moved), (portfolio(books), booked(moved, now=books.house.now))
    )
    assert found(books.house.urls) == {("positions", position + 1)}


async def test_6_a_perpetual_with_a_conversion_account(books: Books) -> None:
    house, held = books.house, f"portfolio:{books.connection}"
    moved = entry(
        (f"{held}:conversion:btc-usdt-perp:none", "1 USDT"),
        (f"{held}:unassigned", "-1 USDT"),
        kind="dust",
        now=house.now,
    )
    position = await forge(house, (portfolio(books), moved))
    assert found(house.urls) == {("positions", position)}
