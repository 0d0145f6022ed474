"""Run the moving-average rule over candles: a decision at each close, an order over REST, and its end before the next.

It decides nothing about fills. What it holds and what that is worth, it knows from the answers to its own orders.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from domain.instruments import Instrument
from domain.money import Amount
from domain.moving_averages import INITIAL, Buy, Rule, Sell, answer, equity, step
from interfaces.demo.rest import Json, Person
from interfaces.exchanges.candles import Candles

_ENDS = {"FILLED", "REJECTED", "DENIED", "CANCELED", "EXPIRED"}
_PATIENCE_S = 30
_FIRST_PAUSE_S = 0.002
_LONGEST_PAUSE_S = 0.05


class OrderStuck(Exception):
    """An order has not come to its end in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An order as it was sent: its size in base, or in quote where `in_quote`, in smallest units."""

    id: str
    side: str
    size: int
    in_quote: bool
    at: datetime


@dataclass(slots=True, kw_only=True)
class _Purse:
    """What the runner holds according to the answers to its orders, in smallest units."""

    instrument: Instrument
    quote: int
    base: int = 0

    def settle(self, order: Json) -> None:
        filled = Amount.parse(order["filled"]["value"], self.instrument.base).units
        paid = Amount.parse(order["cost"]["value"], self.instrument.quote).units
        fees = sum(Amount.parse(fee["value"], self.instrument.quote).units for fee in order["fees"])
        sign = 1 if order["side"] == "buy" else -1
        self.base += sign * filled
        self.quote -= sign * paid + fees


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """The rule on one connection, which holds `start` of the quote and nothing else."""

    trader: Person
    connection: str
    start: Amount
    rule: Rule = field(default_factory=Rule)

    def run(self, candles: Candles, progress: Callable[[int], None]) -> list[Sent]:
        """Replay the candles and return the orders sent, in their order. Raises `RequestRefused`, `OrderStuck`."""
        averages = INITIAL
        sent: list[Sent] = []
        purse = _Purse(instrument=candles.instrument, quote=self.start.units)
        for number, candle in enumerate(candles.rows, start=1):
            close = candle.close.units
            averages, cross = step(averages, close, self.rule)
            worth = equity(quote=purse.quote, base=purse.base, close=close)
            wish = answer(cross, held=purse.base, equity=worth, rule=self.rule) if cross else None
            if wish is not None:
                order = self._send(wish, candles.instrument, at=candle.at + candles.step, number=len(sent))
                sent.append(order)
                purse.settle(self._end_of(order))
            progress(number)
        return sent

    def _send(self, wish: Buy | Sell, instrument: Instrument, *, at: datetime, number: int) -> Sent:
        buys = isinstance(wish, Buy)
        units = wish.quote_amount if isinstance(wish, Buy) else wish.quantity
        asset = instrument.quote if buys else instrument.base
        side, size = (
            "buy" if buys else "sell",
            {"quote_amount" if buys else "quantity": asset.amount(units).format_plain()},
        )
        body = {"connection": self.connection, "instrument": instrument.id, "side": side, "type": "market", **size}
        placed = self.trader.post("/orders", {**body, "occurred_at": at.isoformat()}, key=f"demo-order-{number}")
        return Sent(id=placed["id"], side=side, size=units, in_quote=buys, at=at)

    def _end_of(self, order: Sent) -> Json:
        """Ask for the order until it has come to its end: the next decision needs what was filled."""
        deadline, pause = time.monotonic() + _PATIENCE_S, _FIRST_PAUSE_S
        while time.monotonic() < deadline:
            found = self.trader.get(f"/orders/{order.id}", at_least=self.trader.seen)
            if found["status"] in _ENDS:
                return found
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
        raise OrderStuck(f"order {order.id} has not come to its end in {_PATIENCE_S} s")
