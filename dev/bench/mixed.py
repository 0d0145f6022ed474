"""A history of many kinds of events in many books, made by the use cases that the API calls.

Money in by hand and in bulk, reversals, transfers, role changes, and orders on paper that fill or are rejected.
"""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from application.commands import Body, Command, Envelope
from application.committer import Committer
from application.connections import open_connection
from application.execution import record_answer, submit_order
from application.ledger import post_entry
from application.orders import place_order
from application.transfers import make_transfer
from application.users import change_user
from dev.bench.world import TENANT, USD, add_users, entry_for, envelope, posting_many
from domain.connections import OpenConnection
from domain.ids import ConnectionId, OrderId, TransferId, UserId
from domain.instruments import InstrumentId, portfolio_asset
from domain.orders.commands import OrderCommand, PlaceOrder, RecordFill, RecordRejected, SubmitOrder
from domain.orders.order import Order
from domain.orders.terms import Liquidity, OrderType, Side
from domain.positions.terms import Market
from domain.users import ActivateUser, Role, SetRoles, SuspendUser

CALLERS = 48
BULK = 100
IDLE = 20
"""Users who do nothing but be suspended and let in again."""
TRADERS_SHARE = 5
"""One user in so many trades."""


@dataclass(slots=True)
class Mixed:
    """Makes a history of about `events` events with a committer."""

    committer: Committer
    users: list[UserId]
    idle: list[UserId]
    connections: dict[UserId, ConnectionId]

    @classmethod
    async def begin(cls, committer: Committer, *, users: int) -> "Mixed":
        """Register users, give each something to send on, and let every fifth trade on paper."""
        made = cls(committer, await add_users(committer, users), await add_users(committer, IDLE), {})
        for start in range(0, users, BULK):
            await made.do(posting_many(made.users[start : start + BULK] * 2, f"first-{start}"))
        for user in made.users[::TRADERS_SHARE]:
            await made._connect(user)
        return made

    async def grow(self, events: int) -> None:
        """Go on until the log has so many events."""
        steps = self._steps()

        async def caller() -> None:
            while self.committer.head < events:
                await next(steps)()

        await asyncio.gather(*(caller() for _ in range(CALLERS)))

    async def do(self, command: Command) -> Body:
        """Do a command that must be accepted."""
        return (await self.committer.submit(command)).accepted()

    def _steps(self) -> Iterator[Callable[[], Awaitable[None]]]:
        """Give what happens next: in 100 steps 34 single entries, 4 bulks, and the rest of everything else."""
        kinds = [self._post] * 34 + [self._bulk] * 4 + [self._transfer] * 12 + [self._trade] * 44
        kinds += [self._reference] * 3 + [self._roles] * 2 + [self._suspend]
        while True:
            yield random.choice(kinds)

    async def _post(self) -> None:
        key = uuid.uuid4().hex
        asked = envelope(key)
        await self.do(post_entry(asked, entry_for(random.choice(self.users), key, asked.now)))

    async def _bulk(self) -> None:
        await self.do(posting_many(random.choices(self.users, k=BULK), uuid.uuid4().hex))

    async def _reference(self) -> None:
        key = uuid.uuid4().hex
        asked = envelope(key)
        entry = replace(
            entry_for(random.choice(self.users), key, asked.now), reference=f"invoice {key}", note="by hand"
        )
        await self.do(post_entry(asked, entry))

    async def _transfer(self) -> None:
        sender, recipient = random.sample(self.users, 2)
        key = uuid.uuid4().hex
        transfer = TransferId(key)
        command = make_transfer(envelope(key, actor=sender), transfer, recipient, amount=USD.amount(1), note="")
        await self.committer.submit(command)

    async def _roles(self) -> None:
        roles = random.choice(((Role.TRADER,), (Role.TRADER, Role.VIEWER)))
        await self.do(
            change_user(
                envelope(uuid.uuid4().hex), SetRoles(user=random.choice(self.users), roles=roles, by="cli:bench")
            )
        )

    async def _suspend(self) -> None:
        user = random.choice(self.idle)
        for change in (SuspendUser(user=user, by="cli:bench"), ActivateUser(user=user, by="cli:bench")):
            await self.committer.submit(change_user(envelope(uuid.uuid4().hex), change))

    async def _connect(self, user: UserId) -> None:
        asked = envelope(uuid.uuid4().hex, actor=user)
        connection = ConnectionId(uuid.uuid4().hex)
        start = portfolio_asset("USDT").amount(10**30 - 1)
        opened = OpenConnection(
            connection=connection, user=user, venue="paper", market=Market.SPOT, start=start, occurred_at=asked.now
        )
        await self.do(open_connection(asked, opened))
        self.connections[user] = connection

    async def _trade(self) -> None:
        """Place an order, claim its sending, and book its fill, or its rejection once in ten times."""
        user, connection = random.choice(list(self.connections.items()))
        asked = envelope(uuid.uuid4().hex, actor=user)
        order = OrderId(uuid.uuid4().hex)
        await self.committer.submit(place_order(asked, _an_order(order, user, connection=connection, asked=asked)))
        claim = SubmitOrder(epoch=1, deadline=asked.now + timedelta(seconds=30), occurred_at=asked.now)
        await self.committer.submit(submit_order(envelope(uuid.uuid4().hex), order, claim))
        state = (await self.committer.state(f"{TENANT}:order-{order}")).state
        if isinstance(state, Order):
            said: OrderCommand = RecordRejected(reason="too far", occurred_at=asked.now)
            if random.randrange(10):
                said = _a_fill(state, asked)
            recording = record_answer(envelope(uuid.uuid4().hex), state, market=Market.SPOT, answer=lambda _: said)
            await self.committer.submit(recording)


def _an_order(order: OrderId, user: UserId, *, connection: ConnectionId, asked: Envelope) -> PlaceOrder:
    return PlaceOrder(
        order=order,
        user=user,
        connection=connection,
        instrument=InstrumentId("btc-usdt"),
        strategy=None,
        side=Side.BUY,
        type=OrderType.MARKET,
        quantity=portfolio_asset("BTC").amount(random.randint(1, 9) * 10**15),
        quote_amount=None,
        occurred_at=asked.now,
    )


def _a_fill(order: Order, asked: Envelope) -> RecordFill:
    assert order.quantity is not None
    usdt = portfolio_asset("USDT")
    return RecordFill(
        trade_id=f"trade-{order.order}",
        quantity=order.quantity,
        price=usdt.amount(random.randint(20_000, 90_000) * 10**18),
        cost=None,
        fee=usdt.amount(10**15),
        liquidity=Liquidity.TAKER,
        completes=True,
        occurred_at=asked.now,
    )
