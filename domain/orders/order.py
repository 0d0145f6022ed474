"""Decide the life of one order: what may follow what, and how a fill stands to it.

The transitions are data (transitions.py). What a fill does to a position and to the ledger is not decided here, nor
whether an order is allowed: risk speaks by `DenyOrder`.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from domain.ids import ConnectionId, OrderId, UserId, is_id
from domain.instruments import SCALE, Instrument, InstrumentId, parse
from domain.money import MAX_UNITS, Amount
from domain.orders.commands import (
    DenyOrder,
    OrderCommand,
    PlaceOrder,
    RecordAccepted,
    RecordCanceled,
    RecordExpired,
    RecordFill,
    RecordOutcomeUnknown,
    RecordRejected,
    SubmitOrder,
)
from domain.orders.errors import (
    DuplicateTrade,
    InvalidFill,
    InvalidOrderSize,
    OrderTransitionRefused,
    TooManyTrades,
    UnknownOrder,
)
from domain.orders.events import (
    OrderAccepted,
    OrderCanceled,
    OrderDenied,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderInitialized,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderSubmitted,
)
from domain.orders.terms import Pending, Side, Standing, StrategyId
from domain.orders.transitions import TRANSITIONS, Cell, OrderFact, Status, Verdict

MOST_TRADES = 4_096
"""An order remembers the trade ids of its own fills, and no order may have more of them than this."""

_LONGEST_TRADE_ID = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order and what was filled of it: `filled` in base, `cost` in quote, `fees` per asset, with their sign."""

    order: OrderId
    user: UserId
    connection: ConnectionId
    instrument: InstrumentId
    strategy: StrategyId | None
    side: Side
    quantity: Amount | None
    quote_amount: Amount | None
    occurred_at: datetime
    filled: Amount
    cost: Amount
    at_candle: datetime | None = None
    fees: tuple[Amount, ...] = ()
    trades: tuple[str, ...] = ()
    status: Status = Status.NEW
    pending: Pending = Pending.NONE
    uncertain: bool = False


State = Order | None
INITIAL: State = None


def decide(state: State, command: OrderCommand) -> tuple[OrderEvent, ...]:
    """Return what follows from a command; nothing when the order has known it already."""
    if state is None:
        if not isinstance(command, PlaceOrder):
            raise UnknownOrder
        return (_placed(command),)
    if isinstance(command, RecordFill):
        _check_new_trade(state, command)
    fact = _FACTS[type(command)]
    cell = TRANSITIONS[state.status, fact]
    if cell is Verdict.REFUSED:
        raise OrderTransitionRefused(status=state.status, event=fact)
    if cell is Verdict.KNOWN:
        return ()
    return _follow(state, command, cell)


def evolve(state: State, event: OrderEvent) -> State:
    """Take an event over: the status it names, and no rule."""
    if isinstance(event, OrderInitialized):
        return _beginning(event)
    assert state is not None, "an order begins by being initialized"
    match event:
        case OrderDenied():
            return replace(state, status=Status.DENIED)
        case OrderSubmitted():
            return replace(state, status=Status.SUBMITTED)
        case OrderOutcomeUnknown():
            return replace(state, uncertain=True)
        case OrderAccepted():
            return replace(state, status=Status.ACCEPTED, uncertain=False)
        case OrderRejected():
            return replace(state, status=Status.REJECTED, uncertain=False)
        case OrderCanceled():
            return replace(state, status=Status.CANCELED, uncertain=False)
        case OrderExpired():
            return replace(state, status=Status.EXPIRED, uncertain=False)
        case OrderFilled():
            return replace(
                state,
                status=event.status,
                uncertain=False,
                filled=state.filled + event.quantity,
                cost=state.cost + event.cost,
                fees=_with_fee(state.fees, event.fee),
                trades=(*state.trades, event.trade_id),
            )
        case _:
            assert_never(event)


_FACTS: dict[type[OrderCommand], OrderFact] = {
    PlaceOrder: OrderFact.INITIALIZED,
    DenyOrder: OrderFact.DENIED,
    SubmitOrder: OrderFact.SUBMITTED,
    RecordOutcomeUnknown: OrderFact.OUTCOME_UNKNOWN,
    RecordAccepted: OrderFact.ACCEPTED,
    RecordRejected: OrderFact.REJECTED,
    RecordCanceled: OrderFact.CANCELED,
    RecordExpired: OrderFact.EXPIRED,
    RecordFill: OrderFact.FILLED,
}


def _placed(command: PlaceOrder) -> OrderInitialized:
    instrument = parse(command.instrument)
    assert command.strategy is None or is_id(command.strategy), "`none` is no strategy's id"
    match command.quantity, command.quote_amount:
        case Amount() as size, None:
            assert size.asset == instrument.base, f"{size} is no quantity of {instrument.id}"
        case None, Amount() as size:
            assert size.asset == instrument.quote, f"{size} is no amount of the quote of {instrument.id}"
        case _:
            raise InvalidOrderSize
    if not 0 < size.units < MAX_UNITS:
        raise InvalidOrderSize(at=("quantity" if command.quantity is not None else "quote_amount",))
    return OrderInitialized(
        order=command.order,
        user=command.user,
        connection=command.connection,
        instrument=command.instrument,
        strategy=command.strategy,
        side=command.side,
        type=command.type,
        quantity=command.quantity,
        quote_amount=command.quote_amount,
        occurred_at=command.occurred_at,
        at_candle=command.at_candle,
    )


def _follow(order: Order, command: OrderCommand, cell: Cell) -> tuple[OrderEvent, ...]:
    match command:
        case DenyOrder(code=code, context=context, occurred_at=at):
            return (OrderDenied(order=order.order, code=code, context=context, occurred_at=at),)
        case SubmitOrder(epoch=epoch, deadline=deadline, occurred_at=at):
            return (OrderSubmitted(order=order.order, epoch=epoch, deadline=deadline, occurred_at=at),)
        case RecordOutcomeUnknown(occurred_at=at):
            return () if order.uncertain else (OrderOutcomeUnknown(order=order.order, occurred_at=at),)
        case RecordAccepted(venue_order=venue_order, occurred_at=at):
            return (OrderAccepted(order=order.order, venue_order=venue_order, occurred_at=at),)
        case RecordRejected(reason=reason, occurred_at=at):
            return (OrderRejected(order=order.order, reason=reason, occurred_at=at),)
        case RecordCanceled(occurred_at=at):
            return (OrderCanceled(order=order.order, occurred_at=at),)
        case RecordExpired(occurred_at=at):
            return (OrderExpired(order=order.order, occurred_at=at),)
        case RecordFill():
            return (_filled(order, command, cell),)
        case PlaceOrder():
            raise AssertionError("an order that exists is not placed: its cell is refused in every status")
        case _:
            assert_never(command)


def _check_new_trade(order: Order, fill: RecordFill) -> None:
    if fill.trade_id in order.trades:
        raise DuplicateTrade(trade_id=fill.trade_id)
    if len(order.trades) >= MOST_TRADES:
        raise TooManyTrades(limit=MOST_TRADES)


def _filled(order: Order, fill: RecordFill, cell: Cell) -> OrderFilled:
    cost = _checked_cost(fill, parse(order.instrument))
    full = fill.completes or (order.quantity is not None and order.quantity <= order.filled + fill.quantity)
    by_fill = Status.FILLED if full else Status.PARTIALLY_FILLED
    return OrderFilled(
        order=order.order,
        connection=order.connection,
        instrument=order.instrument,
        strategy=order.strategy,
        side=order.side,
        trade_id=fill.trade_id,
        quantity=fill.quantity,
        price=fill.price,
        cost=cost,
        fee=fill.fee,
        liquidity=fill.liquidity,
        status=by_fill if cell is Verdict.FILLS else order.status,
        standing=_standing(order, cell, filled=order.filled + fill.quantity, cost=order.cost + cost),
        occurred_at=fill.occurred_at,
    )


def _standing(order: Order, cell: Cell, *, filled: Amount, cost: Amount) -> Standing:
    if cell is Verdict.UNEXPECTED:
        return Standing.UNEXPECTED
    if order.quantity is not None and order.quantity < filled:
        return Standing.OVERFILL
    if order.quote_amount is not None and order.quote_amount < cost:
        return Standing.OVERFILL
    return Standing.LATE if cell is Verdict.LATE else Standing.REGULAR


def _checked_cost(fill: RecordFill, instrument: Instrument) -> Amount:
    """Return the fill's quote value, the venue's own where it gives one; refuse numbers that no fill can have."""
    sound = {
        "trade_id": 0 < len(fill.trade_id) <= _LONGEST_TRADE_ID,
        "quantity": fill.quantity.asset == instrument.base and 0 < fill.quantity.units < MAX_UNITS,
        "price": fill.price.asset == instrument.quote and 0 < fill.price.units < MAX_UNITS,
        "cost": fill.cost is None or fill.cost.asset == instrument.quote,
        "fee": fill.fee.asset.scale == SCALE and abs(fill.fee.units) < MAX_UNITS,
    }
    for field, holds in sound.items():
        if not holds:
            raise InvalidFill(field=field, at=(field,))
    cost = instrument.value(price=fill.price, quantity=fill.quantity) if fill.cost is None else fill.cost
    if not 0 <= cost.units < MAX_UNITS:
        raise InvalidFill(field="cost", at=("cost",))
    return cost


def _beginning(event: OrderInitialized) -> Order:
    instrument = parse(event.instrument)
    return Order(
        order=event.order,
        user=event.user,
        connection=event.connection,
        instrument=event.instrument,
        strategy=event.strategy,
        side=event.side,
        quantity=event.quantity,
        quote_amount=event.quote_amount,
        occurred_at=event.occurred_at,
        filled=instrument.base.amount(0),
        cost=instrument.quote.amount(0),
        at_candle=event.at_candle,
    )


def _with_fee(fees: tuple[Amount, ...], fee: Amount) -> tuple[Amount, ...]:
    if fee.asset not in {known.asset for known in fees}:
        return (*fees, fee) if fee else fees
    return tuple(known + fee if known.asset == fee.asset else known for known in fees)
