"""Orders and words of a venue for the tests of orders and of the paper venue."""

from datetime import UTC, datetime

from domain.ids import ConnectionId, OrderId, UserId
from domain.instruments import InstrumentId, portfolio_asset
from domain.money import Amount
from domain.orders.commands import (
    DenyOrder,
    PlaceOrder,
    RecordAccepted,
    RecordCanceled,
    RecordExpired,
    RecordFill,
    RecordOutcomeUnknown,
    RecordRejected,
    SubmitOrder,
)
from domain.orders.terms import Liquidity, OrderType, Side

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
ORDER = OrderId("0" * 32)


def btc(text: str) -> Amount:
    return Amount.parse(text, portfolio_asset("BTC"))


def usd(text: str) -> Amount:
    return Amount.parse(text, portfolio_asset("USD"))


def place(side: Side = Side.BUY, *, quantity: str | None = None, quote_amount: str | None = None) -> PlaceOrder:
    return PlaceOrder(
        order=ORDER,
        user=UserId("a" * 32),
        connection=ConnectionId("c" * 32),
        instrument=InstrumentId("btc-usd"),
        strategy=None,
        side=side,
        type=OrderType.MARKET,
        quantity=None if quantity is None else btc(quantity),
        quote_amount=None if quote_amount is None else usd(quote_amount),
        occurred_at=AT,
    )


def fill(
    quantity: str,
    *,
    price: str = "30000",
    cost: str | None = None,
    fee: Amount = usd("0"),  # noqa: B008 – an amount is a value
    trade_id: str = "t1",
    completes: bool = False,
) -> RecordFill:
    return RecordFill(
        trade_id=trade_id,
        quantity=btc(quantity),
        price=usd(price),
        cost=None if cost is None else usd(cost),
        fee=fee,
        liquidity=Liquidity.TAKER,
        completes=completes,
        occurred_at=AT,
    )


DENY = DenyOrder(code="halted", context={"scope": "user"}, occurred_at=AT)
SUBMIT = SubmitOrder(epoch=1, deadline=AT, occurred_at=AT)
UNKNOWN = RecordOutcomeUnknown(occurred_at=AT)
ACCEPT = RecordAccepted(venue_order="v1", occurred_at=AT)
REJECT = RecordRejected(reason="insufficient_holdings", occurred_at=AT)
CANCEL = RecordCanceled(occurred_at=AT)
EXPIRE = RecordExpired(occurred_at=AT)
