"""Trading in the simulated year: paper connections, and market orders that meet candles in the order of time."""

from dataclasses import dataclass, field
from datetime import datetime

from application.connections import open_connection
from application.execution import record_answer, submit_order
from application.orders import place_order
from application.policies.execution import SEND_WITHIN
from domain.connections import OpenConnection
from domain.ids import ConnectionId, OrderId, UserId
from domain.instruments import portfolio_asset
from domain.orders.commands import PlaceOrder, SubmitOrder
from domain.orders.order import Order
from domain.orders.terms import OrderType, Side, StrategyId
from domain.paper import Terms
from domain.positions.terms import Market
from interfaces.demo.year.house import House
from interfaces.exchanges.candles import Candles
from interfaces.exchanges.paper import PaperVenue

START = 50_000 * 10**18
STRATEGIES = ("trend", "mean reversion")
_TERMS = Terms(slippage_bps=5, fee_bps=10)


@dataclass(slots=True)
class Trading:
    """What traders of a house do."""

    house: House
    candles: Candles
    connections: list[tuple[UserId, ConnectionId]] = field(default_factory=list)

    async def open(self, traders: int) -> None:
        """Give every one of the first users a paper connection."""
        quote = portfolio_asset(self.candles.instrument.quote.code)
        for user in self.house.users[:traders]:
            connection = ConnectionId(self.house.next_id("connection"))
            opened = OpenConnection(
                connection=connection,
                user=user,
                venue="paper",
                market=Market.SPOT,
                start=quote.amount(START),
                occurred_at=self.house.now,
            )
            await self.house.do(open_connection(self.house.envelope(actor=user), opened))
            self.connections.append((user, connection))

    async def trade(self, at: datetime) -> None:
        """Let somebody buy or sell at a candle. What the holdings do not cover is rejected, as at a venue."""
        house = self.house
        user, connection = house.chance.choice(self.connections)
        order = OrderId(house.next_id("order"))
        base = portfolio_asset(self.candles.instrument.base.code)
        placed = PlaceOrder(
            order=order,
            user=user,
            connection=connection,
            instrument=self.candles.instrument.id,
            strategy=house.chance.choice((None, *(StrategyId(house.id_of("strategy", name)) for name in STRATEGIES))),
            side=house.chance.choice((Side.BUY, Side.SELL)),
            type=OrderType.MARKET,
            quantity=base.amount(house.chance.randint(1, 200) * 10**15 + house.chance.randint(0, 10**12)),
            quote_amount=None,
            occurred_at=house.now,
            at_candle=at,
        )
        if await house.do(place_order(house.envelope(actor=user), placed)) is None:
            return
        claim = SubmitOrder(epoch=1, deadline=house.now + SEND_WITHIN, occurred_at=house.now)
        await house.do(submit_order(house.envelope(), order, claim))
        known = (await house.committer.state(f"{house.tenant}:order-{order}")).state
        assert isinstance(known, Order), "it was placed"
        answer = await PaperVenue(self.candles, _TERMS).submit(known)
        await house.do(record_answer(house.envelope(), known, market=Market.SPOT, answer=answer))
