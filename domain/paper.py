"""Decide what the paper venue does with a market order: how it fills at a candle's open, or why it does not.

Every rounding is against the taker, and what the holdings do not cover is rejected. Which candle an order meets is
found by the gateway: the first with volume at or after the order's time.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.holdings import Holdings
from domain.instruments import UNIT, Instrument, parse
from domain.money import MAX_UNITS, Amount, Rounding, divide
from domain.orders.commands import RecordFill, RecordRejected
from domain.orders.order import Order
from domain.orders.terms import Liquidity, Side

ALL_BPS = 10_000


class PaperRejection(StrEnum):
    """Why the paper venue rejects an order."""

    NO_CANDLE = "no_candle"
    QUANTITY_TOO_SMALL = "quantity_too_small"
    QUANTITY_TOO_LARGE = "quantity_too_large"
    INSUFFICIENT_HOLDINGS = "insufficient_holdings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Where a candle opened: its time and the price of one coin in quote."""

    at: datetime
    price: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the paper venue charges, in hundredths of one per cent: slippage on the price, and a fee in quote."""

    slippage_bps: int = 0
    fee_bps: int = 0

    def __post_init__(self) -> None:
        assert 0 <= self.slippage_bps < ALL_BPS, f"a price stays above zero: slippage of {self.slippage_bps} bps"
        assert 0 <= self.fee_bps < ALL_BPS, f"a sale pays its own fee: fee of {self.fee_bps} bps"


def execute(order: Order, opening: Opening | None, *, terms: Terms, holdings: Holdings) -> RecordFill | RecordRejected:
    """Return what the venue says to an order: one fill of all of it, or a rejection with one of `PaperRejection`.

    Slippage raises a purchase's price, rounded up, and lowers a sale's, rounded down. A quote amount buys or sells as
    much as it comes to at that price, rounded down; the fee comes on top, in quote, rounded up. A spot sale may go
    beyond the position: only holdings must cover it.
    """
    if opening is None:
        return RecordRejected(reason=PaperRejection.NO_CANDLE.value, occurred_at=order.occurred_at)
    instrument = parse(order.instrument)
    price = _slipped(opening.price, order.side, terms)
    quantity = _quantity(order, price, instrument)
    cost = instrument.value(price=price, quantity=quantity)
    fee = instrument.quote.amount(divide(cost.units * terms.fee_bps, ALL_BPS, Rounding.UP))
    rejection = _rejection(order.side, quantity=quantity, cost=cost, due=cost + fee, holdings=holdings)
    if rejection:
        return RecordRejected(reason=rejection.value, occurred_at=opening.at)
    return RecordFill(
        trade_id=order.order,
        quantity=quantity,
        price=price,
        cost=cost,
        fee=fee,
        liquidity=Liquidity.TAKER,
        completes=True,
        occurred_at=opening.at,
    )


def _rejection(side: Side, *, quantity: Amount, cost: Amount, due: Amount, holdings: Holdings) -> PaperRejection | None:
    if not quantity or not cost:
        return PaperRejection.QUANTITY_TOO_SMALL
    if max(quantity.units, due.units) >= MAX_UNITS:
        return PaperRejection.QUANTITY_TOO_LARGE
    spent = due if side is Side.BUY else quantity
    return None if spent <= holdings.of(spent.asset) else PaperRejection.INSUFFICIENT_HOLDINGS


def _slipped(price: Amount, side: Side, terms: Terms) -> Amount:
    """Move a price against the taker. A price so small that it would vanish stays at one smallest unit."""
    if side is Side.BUY:
        return price.asset.amount(divide(price.units * (ALL_BPS + terms.slippage_bps), ALL_BPS, Rounding.UP))
    lowered = divide(price.units * (ALL_BPS - terms.slippage_bps), ALL_BPS, Rounding.DOWN)
    return price.asset.amount(max(lowered, 1))


def _quantity(order: Order, price: Amount, instrument: Instrument) -> Amount:
    if order.quantity is not None:
        return order.quantity
    assert order.quote_amount is not None, "an order has a quantity or a quote amount"
    return instrument.base.amount(divide(order.quote_amount.units * UNIT, price.units, Rounding.DOWN))
