"""Work out what must have come of the orders that were sent, from the candles alone, in fractions.

It is the second opinion that everything read back is compared with, so it shares no code with the paper venue, the
positions or the ledger; only what the candles say is common to both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from math import ceil, floor

from interfaces.demo.strategy import Sent
from interfaces.exchanges.candles import Candles

_ONE = 10**18
_ALL_BPS = 10_000

Row = tuple[str, str]
"""An account and an asset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What the paper venue takes, in hundredths of one per cent."""

    slippage_bps: int
    fee_bps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One fill as it must be; `cost` is without the fee."""

    order: str
    side: str
    at: datetime
    quantity: Fraction
    price: Fraction
    cost: Fraction
    fee: Fraction


@dataclass(slots=True, kw_only=True)
class Statement:
    """One connection's position and holdings, and the fills that led to them."""

    start: Fraction
    trades: list[Trade] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    quantity: Fraction = Fraction(0)
    cost: Fraction = Fraction(0)
    realised: Fraction = Fraction(0)
    fees: Fraction = Fraction(0)
    money: Fraction = field(init=False)

    def __post_init__(self) -> None:
        self.money = self.start

    def balances(self, connection: str, candles: Candles) -> dict[Row, Fraction]:
        """Return the portfolio's accounts with a balance, debit positive."""
        instrument = candles.instrument
        base, quote = instrument.base.code, instrument.quote.code
        own = f"portfolio:{connection}"
        conversion = f"{own}:conversion:{instrument.id}:none"
        rows = {
            (f"{own}:holdings", quote): self.money,
            (f"{own}:holdings", base): self.quantity,
            (f"{own}:external", quote): -self.start,
            (conversion, base): -self.quantity,
            (conversion, quote): self.cost,
            (f"{own}:pnl", quote): -self.realised,
            (f"{own}:fees", quote): self.fees,
        }
        return {row: balance for row, balance in rows.items() if balance}


def expected(sent: Iterable[Sent], candles: Candles, *, start: Fraction, costs: Costs) -> Statement:
    """Return what must have come of the orders, one after the other."""
    statement = Statement(start=start)
    for order in sent:
        trade = _trade(order, candles, costs)
        if trade is None or not _covered(trade, statement):
            statement.rejected.append(order.id)
        else:
            _book(trade, statement)
    return statement


def equity_curve(trades: Sequence[Trade], candles: Candles, *, start: Fraction) -> list[Fraction]:
    """Return money + coins × close after each candle, from fills in the order of their times."""
    curve, money, coins, booked = [], start, Fraction(0), 0
    for candle in candles.rows:
        while booked < len(trades) and trades[booked].at <= candle.at:
            trade = trades[booked]
            sign = 1 if trade.side == "buy" else -1
            money -= sign * trade.cost + trade.fee
            coins += sign * trade.quantity
            booked += 1
        curve.append(money + coins * Fraction(candle.close.units, _ONE))
    return curve


def decimal(value: Fraction) -> str:
    """Return an exact decimal string; prices times quantities have at most 36 decimals."""
    digits = 36
    units = value * 10**digits
    assert units.denominator == 1, f"{value} is no decimal of {digits} digits"
    sign, whole = "-" if units < 0 else "", abs(units.numerator)
    text = f"{whole // 10**digits}.{whole % 10**digits:0{digits}}".rstrip("0").rstrip(".")
    return sign + text


def _trade(order: Sent, candles: Candles, costs: Costs) -> Trade | None:
    candle = next((row for row in candles.rows if row.at >= order.at and row.volume.units > 0), None)
    if candle is None:
        return None
    if order.side == "buy":
        price = Fraction(ceil(Fraction(candle.open.units * (_ALL_BPS + costs.slippage_bps), _ALL_BPS)), _ONE)
    else:
        price = Fraction(floor(Fraction(candle.open.units * (_ALL_BPS - costs.slippage_bps), _ALL_BPS)), _ONE)
    quantity = Fraction(order.size, _ONE)
    if order.in_quote:
        quantity = Fraction(floor(quantity / price * _ONE), _ONE)
    cost = Fraction(round(quantity * price * _ONE), _ONE)
    fee = Fraction(ceil(cost * costs.fee_bps / _ALL_BPS * _ONE), _ONE)
    return Trade(order=order.id, side=order.side, at=candle.at, quantity=quantity, price=price, cost=cost, fee=fee)


def _covered(trade: Trade, held: Statement) -> bool:
    if not trade.quantity or not trade.cost:
        return False
    return trade.cost + trade.fee <= held.money if trade.side == "buy" else trade.quantity <= held.quantity


def _book(trade: Trade, to: Statement) -> None:
    to.trades.append(trade)
    to.fees += trade.fee
    to.money -= trade.fee
    if trade.side == "buy":
        to.money -= trade.cost
        to.quantity += trade.quantity
        to.cost += trade.cost
        return
    removed = Fraction(floor(to.cost * trade.quantity / to.quantity * _ONE), _ONE)
    to.money += trade.cost
    to.quantity -= trade.quantity
    to.cost -= removed
    to.realised += trade.cost - removed
