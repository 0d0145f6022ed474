"""Whatever happens, a read model is the same: folded live in slices of any size, rebuilt at once, or folded naively."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from application import streams
from application.codec import decode, recall
from application.commands import CommandRefused
from domain.errors import DomainError
from domain.funding.deposit import Deposit
from domain.ids import ConnectionId, UserId
from domain.orders.order import Order
from domain.orders.terms import Side
from domain.positions.state import Position
from domain.users import ActivateUser, Role, SetRoles, SuspendUser, User
from interfaces.postgres.configuration import Urls
from projections import deposits, generations, orders, positions, users
from projections.changes import Changes, Row, TableChanges
from projections.comparison import compare
from projections.follower import Follower, Progress
from projections.generations import ensure_generations, list_generations
from projections.models import PROJECTIONS
from projections.reader import Fact, Slice
from projections.rebuild import build
from tests.projections import cashier, till
from tests.projections.house import BANK, House, a_house, coins, wallet

MODELS = tuple(PROJECTIONS.values())
TENANTS = (f"t{number}" for number in itertools.count(1))

PEOPLE = st.integers(0, 2)
CENTS = st.one_of(st.integers(1, 50), st.integers(10**18, 10**19))
STEPS = st.one_of(
    st.tuples(st.just("deposit"), PEOPLE, CENTS),
    st.tuples(st.just("withdraw"), PEOPLE, CENTS),
    st.tuples(st.just("reverse"), st.integers(0, 5), st.just(0)),
    st.tuples(st.just("suspend"), PEOPLE, st.just(0)),
    st.tuples(st.just("activate"), PEOPLE, st.just(0)),
    st.tuples(st.just("roles"), PEOPLE, st.integers(1, len(Role))),
    st.tuples(st.just("connect"), PEOPLE, st.integers(1, 9)),
    st.tuples(st.just("buy"), st.integers(0, 2), st.integers(1, 100)),
    st.tuples(st.just("sell"), st.integers(0, 2), st.integers(1, 100)),
    st.tuples(st.just("reject"), st.integers(0, 2), st.just(1)),
    st.tuples(st.just("fund"), PEOPLE, st.just(0)),
    st.tuples(st.just("send"), PEOPLE, st.integers(1, 50)),
    st.tuples(st.just("cash out"), PEOPLE, st.integers(300, 9_999)),
)
Step = tuple[str, int, int]


@dataclass
class World:
    """What there is to act on."""

    house: House
    people: list[UserId] = field(default_factory=list)
    entries: list[str] = field(default_factory=list)
    connections: list[tuple[UserId, ConnectionId]] = field(default_factory=list)

    async def take(self, step: Step) -> None:
        """Do one step; a refusal leaves a receipt and no event."""
        with suppress(CommandRefused, DomainError):
            await self._take(*step)

    async def _take(self, what: str, which: int, size: int) -> None:
        house, user = self.house, self.people[which % len(self.people)]
        match what:
            case "deposit":
                self.entries.append(await house.deposit(user, size))
            case "withdraw":
                self.entries.append(await house.post((wallet(user), size), (BANK, -size)))
            case "reverse" if self.entries:
                await house.reverse(self.entries[which % len(self.entries)])
            case "suspend":
                await house.change(SuspendUser(user=user, by="cli:test"))
            case "activate":
                await house.change(ActivateUser(user=user, by="cli:test"))
            case "roles":
                await house.change(SetRoles(user=user, roles=tuple(Role)[:size], by="cli:test"))
            case "connect":
                self.connections.append((user, await house.connection(user, f"{len(self.connections)}", start=size)))
            case "buy" | "sell" | "reject" if self.connections:
                owner, connection = self.connections[which % len(self.connections)]
                side = Side.SELL if what == "sell" else Side.BUY
                order = await house.order(owner, connection, side=side, whole=which + 1)
                await (house.reject(order, "no") if what == "reject" else house.fill(order, size, fee=coins(1, "USDT")))
            case "fund":
                await till.some_funding(house, user)
            case "send":
                await cashier.transfer(house, user, to=self.people[(which + 1) % len(self.people)], cents=size)
            case "cash out":
                await cashier.withdrawal(house, user, await cashier.destination(house, user), cents=size)
            case _:
                pass


@settings(
    max_examples=12,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # an example takes a second: shrinking one takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEPS, min_size=5, max_size=30), sizes=st.lists(st.integers(1, 12), min_size=1, max_size=8))
def test_live_equals_rebuilt_equals_naive(database: Urls, steps: list[Step], sizes: list[int]) -> None:
    asyncio.run(_history(database, steps, sizes))


async def _history(urls: Urls, steps: Sequence[Step], sizes: Sequence[int]) -> None:
    async with a_house(urls) as house:
        house.tenant = next(TENANTS)
        await house.open(house.tenant)
        world = World(house, [await house.user(label) for label in "abc"])
        for step in steps:
            await world.take(step)
        await follow(house, sizes)
        await recalled_as_decoded(house)
        await summed_as_one_by_one(house)
        candidates = await build(MODELS, connect=house.connect_projector, store=house.store)
        for projection, candidate in zip(MODELS, candidates, strict=True):
            assert await compare(projection, candidate, connect=house.connect_projector, store=house.store) == []
            async with house.projector.connection() as connection:
                await generations.drop(connection, candidate)
        await equals_naive(world)


async def follow(house: House, sizes: Sequence[int]) -> None:
    """Bring every live generation to the head in slices of the given numbers of appends, again and again."""
    async with house.projector.connection() as connection:
        await ensure_generations(connection, PROJECTIONS)
        live = await list_generations(connection)
    for generation in live:
        async with await house.connect_projector() as connection:
            progress = Progress(0)
            projection = PROJECTIONS[generation.name]
            follower = Follower(projection, generation, connection=connection, progress=progress)
            await follower.take()
            batch = await house.store.read_after(progress.log_position, limit=100_000)
            appends = iter(Slice([Fact(recorded) for recorded in batch.events], batch.end).appends())
            for size in itertools.cycle(sizes):
                taken = list(itertools.islice(appends, size))
                if not taken:
                    break
                await follower.apply(Slice([fact for one in taken for fact in one.facts], taken[-1].end))


async def recalled_as_decoded(house: House) -> None:
    """What a rebuild reads of the log is what the live models read of it."""
    batch = await house.store.read_after(0, limit=100_000)
    for recorded in batch.events:
        assert recall(recorded.name, recorded.state) == decode(recorded.name, recorded.state)


async def summed_as_one_by_one(house: House) -> None:
    """What many events change together is what each of them changes."""
    batch = await house.store.read_after(0, limit=100_000)
    for projection in MODELS:
        events = [(one, decode(one.name, one.state)) for one in batch.events if one.name in projection.handles]
        together, each = Changes(), Changes()
        together.take(projection.apply_all(events))
        for recorded, event in events:
            each.take(projection.apply(recorded, event))
        assert {name: made_of(table) for name, table in together.tables.items()} == {
            name: made_of(table) for name, table in each.tables.items()
        }


def made_of(table: TableChanges) -> tuple[list[Row], list[Row]]:
    return table.appended, table.rows()


async def equals_naive(world: World) -> None:
    house = world.house
    rows = await house.execute("SELECT account, asset, units FROM accounts_g1.balances WHERE tenant = %s", house.tenant)
    assert {(account, asset): int(units) for account, asset, units in rows} == await naive_balances(house)
    async with house.reading() as connection:
        for shown in (await users.list_users(connection, limit=500)).items:
            user = (await house.committer.state(streams.user(house.tenant, shown.id))).state
            assert isinstance(user, User)
            assert (shown.status, shown.roles, shown.subject) == (user.status, user.roles, user.subject)
        for order in (await orders.list_orders(connection, limit=500)).items:
            state = (await house.committer.state(streams.order(house.tenant, order.id))).state
            assert isinstance(state, Order)
            assert (order.status, order.filled, order.cost, order.fees) == (
                state.status, state.filled, state.cost, state.fees
            )  # fmt: skip
        for paid in (await deposits.list_deposits(connection, limit=500)).items:
            known = (await house.committer.state(streams.deposit(house.tenant, paid.id))).state
            assert isinstance(known, Deposit)
            assert (paid.status, paid.payment, paid.amount - paid.returned) == (known.status, known.payment, known.left)
        for held in (await positions.list_positions(connection, limit=500)).items:
            stream = streams.position(house.tenant, held.connection, instrument=held.instrument, strategy=held.strategy)
            folded = (await house.committer.state(stream)).state
            assert folded == Position(quantity=held.quantity.units, cost=held.cost.units)


async def naive_balances(house: House) -> dict[tuple[str, str], int]:
    """Add up the postings of a tenant's events, with nothing but JSON and a counter."""
    sums: Counter[tuple[str, str]] = Counter()
    for (state,) in await house.execute(
        "SELECT state FROM log.events WHERE tenant = %s AND topic = 'ledger.entry_posted.v1'", house.tenant
    ):
        for posting in json.loads(state)["entry"]["postings"]:
            sums[posting["account"], posting["asset"]] += int(posting["amount"].replace(".", ""))
    return dict(sums)
