from datetime import timedelta
from fractions import Fraction

import pytest

from domain.holdings import Holdings
from domain.orders import order as orders
from domain.orders.commands import RecordFill
from domain.orders.order import Order
from domain.orders.terms import Side
from domain.paper import Opening, Terms, execute
from domain.positions.fold import after as position_after
from domain.positions.fold import steps
from interfaces.demo.statement import Costs, decimal, equity_curve, expected
from interfaces.demo.strategy import Sent
from interfaces.exchanges import built_in
from tests.domain.given import after
from tests.domain.orders.orders import SUBMIT, btc, place, usd

CANDLES = built_in.candles()
COSTS = Costs(slippage_bps=7, fee_bps=13)
START = Fraction(100_000)
ONE = 10**18


def sent(number: int, side: str, units: int, *, hour: int, in_quote: bool = False) -> Sent:
    return Sent(id=f"{number:032x}", side=side, size=units, in_quote=in_quote, at=CANDLES.rows[hour].at)


ORDERS = [
    sent(1, "buy", usd("4999.99").units, hour=10, in_quote=True),
    sent(2, "buy", btc("0.123456789012345678").units, hour=48),
    sent(3, "sell", btc("0.1").units, hour=60),
    sent(4, "buy", btc("1000").units, hour=70),
    sent(5, "sell", btc("0.01").units + 1, hour=80),
]


def test_an_order_fills_at_the_first_open_with_volume_and_is_rejected_without_cover() -> None:
    statement = expected(ORDERS, CANDLES, start=START, costs=COSTS)
    assert [trade.at for trade in statement.trades] == [CANDLES.rows[hour].at for hour in (10, 49, 60, 80)]
    assert statement.rejected == [ORDERS[3].id]
    late = [sent(6, "buy", ONE, hour=599)]
    late[0] = Sent(id=late[0].id, side="buy", size=ONE, in_quote=False, at=late[0].at + timedelta(seconds=1))
    assert expected(late, CANDLES, start=START, costs=COSTS).rejected == [late[0].id]


def test_money_and_coins_add_up_to_what_was_traded() -> None:
    statement = expected(ORDERS, CANDLES, start=START, costs=COSTS)
    signed = [(1 if trade.side == "buy" else -1, trade) for trade in statement.trades]
    assert statement.quantity == sum(sign * trade.quantity for sign, trade in signed)
    assert statement.money == START - sum(sign * trade.cost + trade.fee for sign, trade in signed)
    balances = statement.balances("c" * 32, CANDLES)
    for asset in ("USD", "BTC"):
        assert sum(amount for (_, code), amount in balances.items() if code == asset) == 0


def test_the_second_opinion_agrees_with_the_platform_to_the_last_digit() -> None:
    statement = expected(ORDERS, CANDLES, start=START, costs=COSTS)
    money, coins, quantity, cost = int(START) * ONE, 0, 0, 0
    for trade in statement.trades:
        order = next(one for one in ORDERS if one.id == trade.order)
        fill = platform_fill(order, money=money, coins=coins)
        assert fill.cost is not None
        sign = 1 if order.side == "buy" else -1
        money -= sign * fill.cost.units + fill.fee.units
        coins += sign * fill.quantity.units
        taken = steps(quantity, cost, change=sign * fill.quantity.units, value=sign * fill.cost.units, spot=True)
        quantity, cost = position_after(quantity, cost, taken)
        said = [Fraction(amount.units, ONE) for amount in (fill.quantity, fill.price, fill.cost, fill.fee)]
        assert [trade.quantity, trade.price, trade.cost, trade.fee] == said
    booked = [Fraction(units, ONE) for units in (money, quantity, cost)]
    assert [statement.money, statement.quantity, statement.cost] == booked


def platform_fill(order: Sent, *, money: int, coins: int) -> RecordFill:
    side = Side(order.side)
    text = f"{order.size // ONE}.{order.size % ONE:018}"
    placed = place(side, quote_amount=text) if order.in_quote else place(side, quantity=text)
    state = after(orders, placed, SUBMIT).state
    assert isinstance(state, Order)
    candle = CANDLES.meet(order.at)
    assert candle is not None
    terms = Terms(slippage_bps=COSTS.slippage_bps, fee_bps=COSTS.fee_bps)
    holdings = Holdings(units={"USD": money, "BTC": coins})
    fill = execute(state, Opening(at=candle.at, price=candle.open), terms=terms, holdings=holdings)
    assert isinstance(fill, RecordFill), fill
    return fill


def test_the_equity_curve_is_money_and_coins_at_each_close() -> None:
    statement = expected(ORDERS[:1], CANDLES, start=START, costs=COSTS)
    (trade,) = statement.trades
    curve = equity_curve(statement.trades, CANDLES, start=START)
    assert len(curve) == len(CANDLES.rows)
    assert curve[9] == START
    close = Fraction(CANDLES.rows[10].close.units, ONE)
    assert curve[10] == START - trade.cost - trade.fee + trade.quantity * close


@pytest.mark.parametrize(
    ("value", "text"), [(Fraction(-5, 4), "-1.25"), (Fraction(0), "0"), (Fraction(1, ONE), f"0.{1:018}")]
)
def test_decimals_are_exact(value: Fraction, text: str) -> None:
    assert decimal(value) == text
