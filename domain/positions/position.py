"""Decide what fills, charges, corrections and moved coins make of one position.

The arithmetic of opening and closing is in fold.py, the ledger's side of each event in entries.py. Whether a fill is
new, late or unexpected is decided by its order; whether holdings cover it, by whoever trades.
"""

from typing import assert_never

from domain.instruments import Instrument, InstrumentId, parse
from domain.money import Amount
from domain.positions.commands import (
    AdoptCoins,
    BookCharge,
    BookFill,
    CorrectFill,
    PositionCommand,
    ReassignCoins,
    RemoveDust,
)
from domain.positions.errors import NoCoins, NotCharged, NotDust, PositionTooSmall, PriceMissing
from domain.positions.events import (
    CoinsAdopted,
    CoinsReassigned,
    DustRemoved,
    FillCorrected,
    Part,
    PositionCharged,
    PositionEvent,
    PositionFilled,
)
from domain.positions.fold import Effect, Step, after, corrected, proportion, steps
from domain.positions.state import FLAT, Position
from domain.positions.terms import Charge, FeeSource, Market, PositionKey

INITIAL = FLAT


def decide(position: Position, command: PositionCommand) -> tuple[PositionEvent, ...]:
    """Return what a command makes of a position; nothing where there is nothing to do."""
    instrument = parse(command.key.instrument)
    assert (command.market is Market.PERPETUAL) == instrument.perpetual, f"{instrument.id} on {command.market}"
    match command:
        case BookFill():
            return (_filled(position, command, instrument),)
        case BookCharge():
            return _charged(position, command, instrument)
        case CorrectFill():
            return _corrected(position, command, instrument)
        case ReassignCoins():
            return (_reassigned(position, command, instrument),)
        case AdoptCoins():
            return (_adopted(position, command, instrument),)
        case RemoveDust():
            return _dust_removed(position, command, instrument)
        case _:
            assert_never(command)


def evolve(position: Position, event: PositionEvent) -> Position:
    """Add up the parts of an event that belong to the position."""
    parts = (*event.parts, *event.fee_parts) if isinstance(event, PositionFilled) else event.parts
    owned = [part for part in parts if part.effect is not Effect.BEYOND]
    return Position(
        quantity=position.quantity + sum(part.quantity.units for part in owned),
        cost=position.cost + sum(part.cost.units for part in owned),
    )


def fee_key(key: PositionKey, fee: Amount) -> PositionKey | None:
    """Return the position that a fee in a third asset may be paid from; None where the fee is in no third asset.

    Its stream is read, and maybe written, together with the fill's.
    """
    instrument = parse(key.instrument)
    if instrument.perpetual or fee.units <= 0 or fee.asset in {instrument.base, instrument.quote}:
        return None
    name = f"{fee.asset.code}-{instrument.quote.code}".lower()
    return PositionKey(connection=key.connection, instrument=InstrumentId(name), strategy=key.strategy)


def fee_charge(command: BookFill, filled: PositionFilled) -> BookCharge | None:
    """Return what a fill asks of the position that pays its fee, in the same append; None where none does."""
    if filled.fee_source is not FeeSource.OTHER_POSITION:
        return None
    key = fee_key(command.key, command.fee)
    assert key is not None, "only a third asset's position is another position"
    return BookCharge(
        key=key,
        market=command.market,
        charge=Charge.FEE,
        amount=command.fee,
        price=command.fee_price,
        source_id=command.trade_id,
        occurred_at=command.occurred_at,
    )


def _filled(position: Position, command: BookFill, instrument: Instrument) -> PositionFilled:
    spot, sign = command.market is Market.SPOT, command.side.sign
    change = sign * command.quantity.units
    taken = steps(position.quantity, position.cost, change=change, value=sign * command.cost.units, spot=spot)
    source = _fee_source(command, instrument)
    fee_taken: tuple[Step, ...] = ()
    if source is FeeSource.POSITION:
        quantity, cost = after(position.quantity, position.cost, taken)
        fee_value = instrument.value(price=command.price, quantity=command.fee).units
        fee_taken = steps(quantity, cost, change=-command.fee.units, value=-fee_value, spot=spot)
    closed = abs(taken[0].quantity) if taken[0].effect is Effect.CLOSES else 0
    return PositionFilled(
        key=command.key,
        market=command.market,
        order=command.order,
        trade_id=command.trade_id,
        price=command.price,
        parts=_parts(taken, instrument),
        fee=command.fee,
        fee_of_closed=command.fee.asset.amount(proportion(command.fee.units, closed, of=abs(change))),
        fee_source=source,
        fee_parts=_parts(fee_taken, instrument),
        liquidation=command.liquidation,
        occurred_at=command.occurred_at,
    )


def _fee_source(command: BookFill, instrument: Instrument) -> FeeSource:
    fee = command.fee
    if not fee or instrument.perpetual:
        return FeeSource.HOLDINGS
    if fee.asset == instrument.base:
        return FeeSource.POSITION
    payable = fee_key(command.key, fee) is not None and command.fee_price is not None
    if payable and command.fee_position.quantity >= fee.units:
        return FeeSource.OTHER_POSITION
    return FeeSource.HOLDINGS


def _charged(position: Position, command: BookCharge, instrument: Instrument) -> tuple[PositionCharged, ...]:
    of_perpetual = {Charge.FEE: None, Charge.INTEREST: False, Charge.FUNDING: True, Charge.INSURANCE: True}
    if of_perpetual[command.charge] not in {None, instrument.perpetual}:
        raise NotCharged(charge=command.charge, market=command.market)
    if not command.amount:
        return ()
    taken: tuple[Step, ...] = ()
    if command.amount.asset == instrument.base and not instrument.perpetual:
        if command.price is None:
            raise PriceMissing(instrument=instrument.id, at=("price",))
        value = instrument.value(price=command.price, quantity=command.amount).units
        spot = command.market is Market.SPOT
        taken = steps(position.quantity, position.cost, change=-command.amount.units, value=-value, spot=spot)
    return (
        PositionCharged(
            key=command.key,
            market=command.market,
            charge=command.charge,
            amount=command.amount,
            price=command.price,
            parts=_parts(taken, instrument),
            source_id=command.source_id,
            occurred_at=command.occurred_at,
        ),
    )


def _corrected(position: Position, command: CorrectFill, instrument: Instrument) -> tuple[FillCorrected, ...]:
    change, value = command.quantity.units, command.cost.units
    if not change and not value:
        return ()
    taken = corrected(position.quantity, position.cost, change=change, value=value, spot=command.market is Market.SPOT)
    return (
        FillCorrected(
            key=command.key,
            market=command.market,
            trade_id=command.trade_id,
            parts=_parts(taken, instrument),
            occurred_at=command.occurred_at,
        ),
    )


def _reassigned(position: Position, command: ReassignCoins, instrument: Instrument) -> CoinsReassigned:
    quantity = command.quantity.units
    if instrument.perpetual:
        raise NoCoins(instrument=instrument.id)
    if position.quantity < quantity:
        raise PositionTooSmall(held=instrument.base.amount(position.quantity), requested=command.quantity)
    value = instrument.value(price=command.price, quantity=command.quantity).units
    taken = steps(position.quantity, position.cost, change=-quantity, value=-value, spot=True)
    return CoinsReassigned(
        key=command.key, price=command.price, parts=_parts(taken, instrument), occurred_at=command.occurred_at
    )


def _adopted(position: Position, command: AdoptCoins, instrument: Instrument) -> CoinsAdopted:
    if instrument.perpetual:
        raise NoCoins(instrument=instrument.id)
    value = instrument.value(price=command.price, quantity=command.quantity).units
    taken = steps(position.quantity, position.cost, change=command.quantity.units, value=value, spot=False)
    return CoinsAdopted(
        key=command.key, price=command.price, parts=_parts(taken, instrument), occurred_at=command.occurred_at
    )


def _dust_removed(position: Position, command: RemoveDust, instrument: Instrument) -> tuple[DustRemoved, ...]:
    if instrument.perpetual:
        raise NoCoins(instrument=instrument.id)
    if position.quantity == 0:
        return ()
    if abs(position.quantity) >= command.lot_size.units:
        raise NotDust(held=instrument.base.amount(position.quantity), lot_size=command.lot_size)
    all_of_it = Step(Effect.CLOSES, -position.quantity, -position.cost, -position.cost, 0)
    return (DustRemoved(key=command.key, parts=_parts((all_of_it,), instrument), occurred_at=command.occurred_at),)


def _parts(taken: tuple[Step, ...], instrument: Instrument) -> tuple[Part, ...]:
    base, quote = instrument.base, instrument.quote
    return tuple(
        Part(
            effect=step.effect,
            quantity=base.amount(step.quantity),
            value=quote.amount(step.value),
            cost=quote.amount(step.cost),
            realised=quote.amount(step.realised),
        )
        for step in taken
    )
