"""Trading positions: every fill is booked as the fold says, and the ledger's accounts equal what the fold comes to.

After every append a conversion account stands at (−quantity, cost) and `pnl` at what was realised; a flat position
costs nothing and a spot position is never below zero (ACCOUNTING, invariant 6).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from pydantic_core import from_json

from application.codec import EVENTS, CannotDecode, decode
from domain.instruments import InvalidInstrument, parse
from domain.orders.events import OrderFilled
from domain.positions.events import Part, PositionFilled
from domain.positions.fold import Step, after, steps
from domain.positions.position import evolve
from domain.positions.state import FLAT, Position
from domain.positions.terms import Market
from interfaces.audit.findings import UNREADABLE, Tallies, Tally
from interfaces.audit.scope import WHOLE, Scope
from interfaces.audit.snapshot import Connection, each

CHECKS = ("fills", "positions")

Key = tuple[str, str, str, str]
"""Tenant, connection, instrument and strategy (`none` for none), as a conversion account has them."""
Trade = tuple[str, str, str]
"""Tenant, order and trade id."""

CONNECTION = 2
"""Parts of the name of a connection, as opposed to that of a position."""

_ENTRY = "ledger.entry_posted.v1"
_TOPICS = ["order.filled.v1", *(name for name in EVENTS if name.startswith("position."))]
_TRADING = """
    SELECT append_id, notification_id, tenant, topic, state FROM log.events
    WHERE (topic = ANY(%s) OR (topic = %s AND split_part(originator_id, ':', 2) LIKE 'book-portfolio-%%'))
        AND notification_id <= %s
    ORDER BY notification_id
"""


def check_positions(connection: Connection, scope: Scope = WHOLE) -> Tallies:
    """Read all that trading has left in the log, append by append."""
    tallies = Tallies.of(scope)
    with tallies.timed("positions") as tally:
        trading = _Trading(tallies["fills"], tally)
        found = each(connection, _TRADING, _TOPICS, _ENTRY, scope.upto)
        for _, append in groupby(found, key=lambda row: row[0]):
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
    realised: Counter[tuple[str, ...]] = field(default_factory=Counter)
    pnl: Counter[tuple[str, ...]] = field(default_factory=Counter)
    conversion: defaultdict[Key, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    touched: dict[Key, int] = field(default_factory=dict)
    results: dict[tuple[str, ...], int] = field(default_factory=dict)
    filled: dict[Trade, tuple[int, OrderFilled]] = field(default_factory=dict)
    booked: dict[Trade, tuple[int, PositionFilled]] = field(default_factory=dict)

    def take(self, position: int, tenant: str, *, name: str, state: bytes) -> None:
        """Add an event. What cannot be decoded is told of by the codec's check."""
        try:
            event = from_json(state)["entry"] if name == _ENTRY else decode(name, state)
            if name == _ENTRY:
                self._take_entry(position, tenant, event)
            elif isinstance(event, OrderFilled):
                self.filled[tenant, event.order, event.trade_id] = position, event
            else:
                self._take_change(position, tenant, event)
        except (CannotDecode, *UNREADABLE):
            return

    def end_append(self) -> None:
        """Compare fills with what was booked, and every position touched with its accounts."""
        self.fills.count("fills", len(self.filled))
        for trade in self.filled.keys() | self.booked.keys():
            self._check_booking(trade)
        for key, position in self.touched.items():
            self._check_position(key, position)
        for of, position in self.results.items():
            self._check_result(of, position)
        for touched in (self.filled, self.booked, self.touched, self.results):
            touched.clear()

    def _take_entry(self, position: int, tenant: str, entry: dict[str, Any]) -> None:
        for line in entry["postings"]:
            _, connection, *account = line["account"].split(":")
            units = int(line["amount"].replace(".", ""))
            match account:
                case ["conversion", instrument, strategy]:
                    key = tenant, connection, instrument, strategy
                    self.conversion[key][line["asset"]] += units
                    self.touched[key] = position
                case ["pnl"]:
                    for of in {(tenant, connection), (tenant, *entry["reference"].split(":"))}:
                        self.pnl[of] += units
                        self.results[of] = position
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
        for of in (key[:2], key):
            self.realised[of] += realised
            self.results[of] = position
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
        held, name = self.held.get(key, FLAT), ":".join(key[1:])
        try:
            traded = parse(key[2])
        except InvalidInstrument:
            self.positions.find(position, f"{name} is a position in no instrument")
            return
        stands = {} if traded.perpetual else {traded.base.code: -held.quantity, traded.quote.code: held.cost}
        if _without_zeros(stands) != _without_zeros(self.conversion[key]):
            accounts = dict(self.conversion[key])
            self.positions.find(position, f"{name} holds {held.quantity} for {held.cost}, its account {accounts}")
        if held.quantity == 0 and held.cost:
            self.positions.find(position, f"{name} is flat and costs {held.cost}")
        if self.spot.get(key) and held.quantity < 0:
            self.positions.find(position, f"{name} is a spot position of {held.quantity}")

    def _check_result(self, of: tuple[str, ...], position: int) -> None:
        """Compare what was realised with `pnl`: of connections, and of perpetuals, whose entries are all their own."""
        is_own = len(of) == CONNECTION or of[2].endswith("-perp")
        if is_own and self.pnl[of] != -self.realised[of]:
            name = ":".join(of[1:])
            self.positions.find(position, f"{name} realised {self.realised[of]}, and on pnl are {self.pnl[of]}")


def _without_zeros(units: Mapping[str, int]) -> dict[str, int]:
    return {asset: number for asset, number in units.items() if number}


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
