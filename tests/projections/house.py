"""A tenant's house for tests of read models: the real command path in, the real runner beside it, queries out."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from application.assets import register_asset
from application.calls import Ask
from application.commands import Body, Command, Envelope
from application.committer import Committer
from application.connections import open_connection
from application.execution import record_answer, submit_order
from application.ids import derive, namespace
from application.ledger import post_entry, reverse_entry
from application.orders import place_order
from application.store import Connection, Store, speak_hex_ids
from application.tenants import create_tenant
from application.users import change_user, register_user
from application.wakeup import Wakeup
from domain.assets import coin
from domain.connections import OpenConnection
from domain.ids import AccountPath, ConnectionId, EntryId, OrderId, SubjectId, UserId
from domain.instruments import InstrumentId, parse, portfolio_asset
from domain.ledger.entry import JournalEntry, Posting
from domain.money import Amount, Asset
from domain.orders.commands import OrderCommand, PlaceOrder, RecordFill, RecordRejected, SubmitOrder
from domain.orders.order import Order
from domain.orders.terms import Liquidity, OrderType, Side
from domain.positions.terms import Market
from domain.tenants import CreateTenant
from domain.users import ActivateUser, RegisterUser, Role, SetRoles, Status, SuspendUser
from interfaces.postgres.configuration import Urls
from interfaces.postgres.connections import Pool, connect, pool, reading
from projections.models import PROJECTIONS, Projection
from projections.runner import ProjectionRunner

USD = Asset("USD", 2)
BANK = "assets:bank:client:main"
START = datetime(2026, 1, 1, tzinfo=UTC)
_NAMES = namespace("tests")


def name(*parts: str) -> str:
    """Return an id that tells what it is for, the same in every run."""
    return derive(_NAMES, *parts)


def wallet(user: str) -> str:
    return f"liabilities:users:{user}:real:available"


def on(connection: Connection) -> Ask:
    """Return how to make calls on a connection of a test."""
    return lambda call, parameters: call.rows(connection, parameters)


@dataclass
class House:
    """The command path of one process, with a clock that a test sets."""

    urls: Urls
    app: Pool
    projector: Pool
    committer: Committer
    now: datetime = START
    tenant: str = "acme"
    _number: int = field(default=0)

    @property
    def store(self) -> Store:
        return Store(self.app)

    async def connect_projector(self) -> Connection:
        return await connect(self.urls.projector, name="projections")

    @asynccontextmanager
    async def reading(self, tenant: str | None = None) -> AsyncIterator[Connection]:
        async with reading(self.app, self.tenant if tenant is None else tenant) as connection:
            yield connection

    async def execute(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement as the projector, who sees all tenants."""
        async with self.projector.connection() as connection:
            cursor = await connection.execute(query, parameters)
            return await cursor.fetchall() if cursor.description else []

    def envelope(self, *, tenant: str | None = None, actor: str = "cli:test") -> Envelope:
        self._number += 1
        command_id = name("command", self.tenant, str(self._number))
        return Envelope(
            tenant=tenant or self.tenant,
            actor=actor,
            command_id=command_id,
            key=command_id,
            input_hash=sha256(command_id.encode()).hexdigest(),
            correlation_id=command_id,
            now=self.now,
        )

    async def do(self, command: Command) -> Body:
        return (await self.committer.submit(command)).accepted()

    async def open(self, tenant: str = "acme") -> None:
        """Create a tenant."""
        await self.do(create_tenant(self.envelope(tenant="system"), CreateTenant(name=tenant)))

    async def asset(self, code: str) -> None:
        await self.do(register_asset(self.envelope(tenant="system"), coin(code)))

    async def user(self, label: str, *, roles: Sequence[Role] = (Role.TRADER,)) -> UserId:
        """Register an active user."""
        user = UserId(name("user", self.tenant, label))
        command = RegisterUser(user=user, subject=SubjectId(user), roles=tuple(roles), status=Status.ACTIVE)
        await self.do(register_user(self.envelope(), command, email_hmac=user))
        return user

    async def change(self, change: ActivateUser | SuspendUser | SetRoles) -> None:
        await self.do(change_user(self.envelope(), change))

    def entry(
        self,
        *lines: tuple[str, int],
        kind: str = "manual",
        effective_at: datetime | None = None,
        reference: str | None = None,
        note: str = "",
    ) -> JournalEntry:
        """Return an entry in USD cents, effective now unless said otherwise."""
        self._number += 1
        entry = EntryId(name("entry", self.tenant, str(self._number)))
        return JournalEntry(
            id=entry,
            kind=kind,
            reference=reference or entry,
            occurred_at=self.now,
            effective_at=effective_at or self.now,
            postings=tuple(Posting(AccountPath(account), USD.amount(units)) for account, units in lines),
            note=note,
            metadata={"line": 'ü "\\'},
        )

    async def post(
        self,
        *lines: tuple[str, int],
        kind: str = "manual",
        effective_at: datetime | None = None,
        reference: str | None = None,
        note: str = "",
    ) -> str:
        """Post an entry in USD cents; return its id."""
        entry = self.entry(*lines, kind=kind, effective_at=effective_at, reference=reference, note=note)
        await self.do(post_entry(self.envelope(), entry))
        return entry.id

    async def deposit(self, user: str, cents: int, *, effective_at: datetime | None = None) -> str:
        return await self.post((BANK, cents), (wallet(user), -cents), effective_at=effective_at)

    async def reverse(self, entry: str) -> str:
        reversal = EntryId(name("reversal", entry))
        command = await reverse_entry(
            self.envelope(), self.store, original=entry, reversal=reversal, effective_at=self.now, note=""
        )
        await self.do(command)
        return reversal

    async def connection(self, user: UserId, label: str = "paper", *, start: int = 100_000) -> ConnectionId:
        """Open a paper connection with whole USDT."""
        connection = ConnectionId(name("connection", self.tenant, user, label))
        opened = OpenConnection(
            connection=connection,
            user=user,
            venue="paper",
            market=Market.SPOT,
            start=coins(start, "USDT"),
            occurred_at=self.now,
        )
        await self.do(open_connection(self.envelope(actor=user), opened))
        return connection

    async def order(self, user: UserId, connection: ConnectionId, *, side: Side, whole: int = 1) -> Order:
        """Put an order for whole BTC on record and claim its sending."""
        self._number += 1
        order = OrderId(name("order", self.tenant, str(self._number)))
        placed = PlaceOrder(
            order=order,
            user=user,
            connection=connection,
            instrument=InstrumentId("btc-usdt"),
            strategy=None,
            side=side,
            type=OrderType.MARKET,
            quantity=coins(whole, "BTC"),
            quote_amount=None,
            occurred_at=self.now,
        )
        await self.do(place_order(self.envelope(actor=user), placed))
        claim = SubmitOrder(epoch=1, deadline=self.now + timedelta(seconds=30), occurred_at=self.now)
        await self.do(submit_order(self.envelope(), order, claim))
        state = (await self.committer.state(f"{self.tenant}:order-{order}")).state
        assert isinstance(state, Order)
        return state

    async def answer(self, order: Order, said: OrderCommand) -> None:
        """Record what the venue said, and book it where it is a fill."""
        await self.do(record_answer(self.envelope(), order, market=Market.SPOT, answer=lambda _: said))

    async def fill(self, order: Order, price: int, *, fee: Amount | None = None) -> None:
        assert order.quantity is not None
        quote = parse(order.instrument).quote
        report = RecordFill(
            trade_id=f"trade-{order.order}",
            quantity=order.quantity,
            price=coins(price, quote.code),
            cost=None,
            fee=fee or quote.amount(0),
            liquidity=Liquidity.TAKER,
            completes=True,
            occurred_at=self.now,
        )
        await self.answer(order, report)

    async def reject(self, order: Order, reason: str) -> None:
        await self.answer(order, RecordRejected(reason=reason, occurred_at=self.now))

    async def caught_up(self, *models: str) -> int:
        """Wait until the live generations have read the whole log; return its head."""
        head = await self.store.head()
        await until(lambda: self._reached(head, models or tuple(PROJECTIONS)))
        return head

    async def _reached(self, head: int, models: Sequence[str]) -> bool:
        rows = await self.execute(
            "SELECT name FROM projection.generations WHERE role = 'live' AND log_position >= %s", head
        )
        return {row[0] for row in rows} >= set(models)


def coins(whole: int, code: str) -> Amount:
    """Return whole coins as portfolios keep them."""
    return portfolio_asset(code).amount(whole * 10**18)


@asynccontextmanager
async def a_house(urls: Urls) -> AsyncIterator[House]:
    async with (
        pool(urls.app, name="test-app", size=4, configure=speak_hex_ids) as app,
        pool(urls.projector, name="test-projector", size=4, configure=speak_hex_ids) as projector,
    ):
        committer = Committer(connect=lambda: connect(urls.app, name="committer"), store=Store(app))
        await committer.start()
        try:
            yield House(urls, app, projector, committer)
        finally:
            await committer.stop()


@asynccontextmanager
async def projections_of(
    urls: Urls, projections: Sequence[Projection] = tuple(PROJECTIONS.values())
) -> AsyncIterator[ProjectionRunner]:
    """Run read models in this process for as long as the block lasts."""

    async def to_projector() -> Connection:
        return await connect(urls.projector, name="projections")

    wakeup = Wakeup(to_projector, "lastro_log")
    async with pool(urls.projector, name="projections", size=2, configure=speak_hex_ids) as source:
        await wakeup.start()
        runner = ProjectionRunner(connect=to_projector, store=Store(source), wakeup=wakeup, projections=projections)
        task = asyncio.create_task(runner.run())
        try:
            yield runner
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await wakeup.stop()


async def until(condition: Callable[[], Any], *, within_s: float = 20.0) -> None:
    """Wait for a condition, which may be asynchronous."""
    async with asyncio.timeout(within_s):
        while True:
            held = condition()
            if asyncio.iscoroutine(held):
                held = await held
            if held:
                return
            await asyncio.sleep(0.01)
