"""Trading positions: every fill is booked as the fold says, and the ledger's accounts equal what the fold comes to.

After every append a conversion account stands at (−quantity, cost) and `pnl` at what was realised; a flat position
costs nothing and a spot position is never below zero (ACCOUNTING, invariant 6).
"""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from pydantic_core import from_json

from application.codec import EVENTS, CannotDecode, decode
from domain.instruments import parse
from domain.orders.events import OrderFilled
from domain.positions.events import Part, PositionFilled
from domain.positions.fold import Step, after, steps
from domain.positions.position import evolve
from domain.positions.state import FLAT, Position
from domain.positions.terms import Market
from interfaces.audit.findings import Tallies, Tally
from interfaces.audit.snapshot import Connection, each

CHECKS = ("fills", "positions")

Key = tuple[str, str, str, str]
"""Tenant, connection, instrument and strategy (`none` for none), as a conversion account has them."""
Trade = tuple[str, str, str]
"""Tenant, order and trade id."""

_ENTRY = "ledger.entry_posted.v1"
_TOPICS = ["order.filled.v1", *(name for name in EVENTS if name.startswith("position."))]
_TRADING = """
    SELECT append_id, notification_id, tenant, topic, state FROM log.events
    WHERE topic = ANY(%s) OR (topic = %s AND split_part(originator_id, ':', 2) LIKE 'book-portfolio-%%')
    ORDER BY notification_id
"""


def check_positions(connection: Connection) -> Tallies:
    """Read all that trading has left in the log, append by append."""
    tallies = Tallies({})
    with tallies.timed("positions") as tally:
        trading = _Trading(tallies["fills"], tally)
        for _, append in groupby(each(connection, _TRADING, _TOPICS, _ENTRY), key=lambda row: row[0]):
            for _, position, tenant, name, state in append:
                trading.take(position, tenant, name=name, state=state)
            trading.end_append()
    tally.count("positions", len(trading.held))
    return tallies


@dataclass(slots=True)
class _Trading:
    """What the fold holds, what the ledger says, and what the append that is being read has touched."""

    fills: Tally
    positions: Tally
    held: dict[Key, Position] = field(default_factory=dict)
    spot: dict[Key, bool] = field(default_factory=dict)
    realised: defaultdict[tuple[str, ...], int] = field(default_factory=lambda: defaultdict(int))
    pnl: defaultdict[tuple[str, ...], int] = field(default_factory=lambda: defaultdict(int))
    conversion: defaultdict[tuple[Key, str], int] = field(default_factory=lambda: defaultdict(int))
    touched: dict[Key, int] = field(default_factory=dict)
    filled: dict[Trade, tuple[int, OrderFilled]] = field(default_factory=dict)
    booked: dict[Trade, tuple[int, PositionFilled]] = field(default_factory=dict)

    def take(self, position: int, tenant: str, *, name: str, state: bytes) -> None:
        """Add an event. What cannot be decoded is told of by the codec's check."""
        if name == _ENTRY:
            self._take_entry(position, tenant, from_json(state)["entry"])
            return
        try:
            event = decode(name, state)
        except CannotDecode:
            return
        if isinstance(event, OrderFilled):
            self.filled[tenant, event.order, event.trade_id] = position, event
        else:
            self._take_change(position, tenant, event)

    def end_append(self) -> None:
        """Compare fills with what was booked, and every position touched with its accounts."""
        self.fills.count("fills", len(self.filled))
        for trade in self.filled.keys() | self.booked.keys():
            self._check_booking(trade)
        for key, position in self.touched.items():
            self._check_position(key, position)
        for touched in (self.filled, self.booked, self.touched):
            touched.clear()

    def _take_entry(self, position: int, tenant: str, entry: dict[str, Any]) -> None:
        of_reference = tenant, *entry["reference"].split(":")
        for line in entry["postings"]:
            _, connection, *account = line["account"].split(":")
            units = int(line["amount"].replace(".", ""))
            match account:
                case ["conversion", instrument, strategy]:
                    key = tenant, connection, instrument, strategy
                    self.conversion[key, line["asset"]] += units
                    self.touched[key] = position
                case ["pnl"]:
                    self.pnl[tenant, connection] += units
                    self.pnl[of_reference] += units
                case _:
                    pass

    def _take_change(self, position: int, tenant: str, event: Any) -> None:  # noqa: ANN401 - a PositionEvent
        key = (tenant, event.key.connection, event.key.instrument, event.key.strategy or "none")
        before = self.held.get(key, FLAT)
        parts = event.parts
        if isinstance(event, PositionFilled):
            self.booked[tenant, event.order, event.trade_id] = position, event
            self.spot[key] = event.market is Market.SPOT
            if not _is_folded(before, event):
                self.fills.find(position, f"trade {event.trade_id} is booked in other parts than the fold has")
            parts = (*event.parts, *event.fee_parts)
        self.held[key] = evolve(before, event)
        realised = sum(part.realised.units for part in parts)
        self.realised[tenant, event.key.connection] += realised
        self.realised[key] += realised
        self.touched[key] = position

    def _check_booking(self, trade: Trade) -> None:
        if trade not in self.booked:
            self.fills.find(self.filled[trade][0], f"no position booked trade {trade[2]} of order {trade[1]}")
        elif trade not in self.filled:
            self.fills.find(self.booked[trade][0], f"order {trade[1]} knows nothing of trade {trade[2]}")
        else:
            position, filled = self.filled[trade]
            quantity, value, fee = _traded(self.booked[trade][1])
            sign = filled.side.sign
            if (quantity, value, fee) != (sign * filled.quantity.units, sign * filled.cost.units, filled.fee):
                self.fills.find(position, f"trade {trade[2]} is booked with other figures than it was filled with")

    def _check_position(self, key: Key, position: int) -> None:
        held, traded = self.held.get(key, FLAT), parse(key[2])
        coins = {asset.code: self.conversion[key, asset.code] for asset in (traded.base, traded.quote)}
        stands = (coins[traded.base.code], coins[traded.quote.code])
        name = ":".join(key[1:])
        if stands != ((0, 0) if traded.perpetual else (-held.quantity, held.cost)):
            self.positions.find(
                position, f"{name} holds {held.quantity} for {held.cost}, its conversion account {stands}"
            )
        if held.quantity == 0 and held.cost:
            self.positions.find(position, f"{name} is flat and costs {held.cost}")
        if self.spot.get(key) and held.quantity < 0:
            self.positions.find(position, f"{name} is a spot position of {held.quantity}")
        for of in (key[:2], key) if traded.perpetual else (key[:2],):
            if self.pnl[of] != -self.realised[of]:
                self.positions.find(
                    position, f"{':'.join(of[1:])} realised {self.realised[of]}, on pnl are {self.pnl[of]}"
                )


def _traded(booked: PositionFilled) -> tuple[int, int, Any]:
    return (
        sum(part.quantity.units for part in booked.parts),
        sum(part.value.units for part in booked.parts),
        booked.fee,
    )


def _is_folded(before: Position, event: PositionFilled) -> bool:
    """Tell whether the fold makes these parts of the fill, and of the fee where the position itself pays it."""
    spot = event.market is Market.SPOT
    quantity, cost = before.quantity, before.cost
    for parts in (event.parts, event.fee_parts):
        if parts:
            change = sum(part.quantity.units for part in parts)
            value = sum(part.value.units for part in parts)
            taken = steps(quantity, cost, change=change, value=value, spot=spot) if change else ()
            if taken != tuple(map(_step, parts)):
                return False
            quantity, cost = after(quantity, cost, taken)
    return True


def _step(part: Part) -> Step:
    return Step(part.effect, part.quantity.units, part.value.units, part.cost.units, part.realised.units)
