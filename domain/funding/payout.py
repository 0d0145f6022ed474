"""Decide the life of one payout: our money on its way from a provider to our bank, arrived, or come back."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, assert_never

from domain.errors import NotFound
from domain.funding.facts import expect, expect_movement
from domain.ids import PayoutId
from domain.money import Amount
from domain.payments import BalanceMovement, PayoutFact
from domain.payments import PayoutStatus as Said


class Status(StrEnum):
    """Where a payout stands."""

    IN_TRANSIT = "in_transit"
    ARRIVED = "arrived"
    FAILED = "failed"


@dataclass(kw_only=True, eq=False)
class UnknownPayout(NotFound):
    """There is no such payout."""

    code: ClassVar[str] = "unknown_payout"
    sentence: ClassVar[str] = "There is no such payout."


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPayout:
    """The payout as the provider has it now; `bank` is our name for the account that it goes to."""

    payout: PayoutId
    bank: str
    fact: PayoutFact


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutCreated:
    """Our money has left the provider. `object` is its name for the payout."""

    payout: PayoutId
    provider: str
    bank: str
    object: str
    amount: Amount
    movement: str
    fee: Amount
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutArrived:
    """It is at the bank."""

    payout: PayoutId
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutFailed:
    """The bank did not take it, maybe after it had seemed to: it is at the provider again."""

    payout: PayoutId
    reason: str
    occurred_at: datetime


PayoutEvent = PayoutCreated | PayoutArrived | PayoutFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """A payout, and what its entries were made of; `arrived` stays true for one that failed afterwards."""

    payout: PayoutId
    provider: str
    bank: str
    object: str
    amount: Amount
    movement: BalanceMovement
    arrived: bool = False
    status: Status = Status.IN_TRANSIT


State = Payout | None
INITIAL: State = None


def decide(state: State, command: RecordPayout) -> tuple[PayoutEvent, ...]:
    """Return all that is new, in the order in which it happens. Raises `FactMismatch` where the fact does not fit.

    A payout that the provider's account has no line of, or that failed before we heard of it, moved nothing.
    """
    fact = command.fact
    if state is not None:
        expect(
            provider=(state.provider, fact.provider), object=(state.object, fact.id), amount=(state.amount, fact.amount)
        )
        if fact.movement is not None:
            expect(movement=(state.movement.id, fact.movement.id))
    elif fact.movement is None or fact.status is Said.FAILED:
        return ()
    return tuple(_news(state, command))


def evolve(state: State, event: PayoutEvent) -> State:
    """Take an event over."""
    if isinstance(event, PayoutCreated):
        return Payout(
            payout=event.payout,
            provider=event.provider,
            bank=event.bank,
            object=event.object,
            amount=event.amount,
            movement=BalanceMovement(id=event.movement, settled=event.amount, fee=event.fee),
        )
    assert state is not None, "a payout begins by being created"
    match event:
        case PayoutArrived():
            return replace(state, status=Status.ARRIVED, arrived=True)
        case PayoutFailed():
            return replace(state, status=Status.FAILED)
        case _:
            assert_never(event)


def _news(state: State, command: RecordPayout) -> Iterator[PayoutEvent]:
    fact, payout = command.fact, command.payout
    if state is None:
        movement = fact.movement
        assert movement is not None, "one without a line moved nothing"
        expect_movement(movement, fact.amount)
        expect(asset=(fact.amount.asset, movement.settled.asset))
        yield PayoutCreated(
            payout=payout,
            provider=fact.provider,
            bank=command.bank,
            object=fact.id,
            amount=fact.amount,
            movement=movement.id,
            fee=movement.fee,
            occurred_at=fact.occurred_at,
        )
    status = Status.IN_TRANSIT if state is None else state.status
    match fact.status:
        case Said.IN_TRANSIT:
            return
        case Said.ARRIVED:
            if status is Status.IN_TRANSIT:
                yield PayoutArrived(payout=payout, occurred_at=fact.occurred_at)
            elif status is Status.FAILED:
                expect(status=(status, fact.status))
        case Said.FAILED:
            if status is not Status.FAILED:
                reason = fact.reason or fact.status.value
                yield PayoutFailed(payout=payout, reason=reason, occurred_at=fact.occurred_at)
        case _:
            assert_never(fact.status)
