"""The mix of transactions that the demo makes, as many as wanted: money in, between users, out, and traded."""

import asyncio
from datetime import timedelta

from application.transfers import make_transfer
from domain.ids import ConnectionId, TransferId, UserId
from domain.orders.terms import Side
from tests.interfaces.audit.forgery import some_books
from tests.projections.house import BANK, USD, House, coins, name, wallet

AT_ONCE = 200
_ENTRIES = "SELECT count(*) FROM log.events WHERE starts_with(topic, 'ledger.entry_posted.')"


async def a_mix(house: House, *, transactions: int) -> None:
    """Let a little of everything happen, and then much of what happens most, until there are so many entries."""
    books = await some_books(house)
    traders = [await house.user(f"trader {number}") for number in range(AT_ONCE)]
    connections = [await house.connection(trader) for trader in traders]
    await asyncio.gather(*(house.deposit(trader, 10**9) for trader in traders))
    round_ = 0
    while (await house.execute(_ENTRIES))[0][0] < transactions:
        house.now += timedelta(minutes=7)
        await asyncio.gather(*(_trade(house, *one, round_=round_) for one in zip(traders, connections, strict=True)))
        await asyncio.gather(*(_by_hand(house, trader, cents=round_ + 3) for trader in traders))
        pairs = zip(traders, [*traders[1:], books.ana], strict=True)
        await asyncio.gather(*(_send(house, *pair, label=f"{round_}") for pair in pairs))
        round_ += 1


async def _trade(house: House, user: UserId, connection: ConnectionId, *, round_: int) -> None:
    side = Side.SELL if round_ % 3 == 2 else Side.BUY
    order = await house.order(user, connection, side=side)
    await house.fill(order, 30_000 + 17 * round_, fee=coins(round_ % 4, "USDT"))


async def _by_hand(house: House, user: UserId, *, cents: int) -> None:
    await house.deposit(user, 100 + cents)
    await house.post(("expenses:bank_fees", cents), (BANK, -cents), kind="bank_fee", note="at the bank")
    await house.post((BANK, -cents), (wallet(user), cents), kind="payout")


async def _send(house: House, user: UserId, to: UserId, *, label: str) -> None:
    id = TransferId(name("transfer", label, user))
    command = make_transfer(house.envelope(actor=user), id, to, amount=USD.amount(7), note="")
    await house.do(command)
