"""Decide the life of one deposit: asked for, known at the provider, settled once, or come to nothing.

Money that the provider has is booked, whatever stood here before; one that it does not have is never booked. What has
gone back to the payer, or is about to, is counted here so that no more goes back than came in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from domain.funding.deposit_events import (
    DepositCancelled,
    DepositEvent,
    DepositExists,
    DepositFailed,
    DepositOutcomeUnknown,
    DepositPaymentCreated,
    DepositRequested,
    DepositReturnReleased,
    DepositReturnReserved,
    DepositSettled,
    InvalidDeposit,
    MoreThanDeposited,
    NotSettled,
    Status,
    UnknownDeposit,
)
from domain.funding.facts import FactMismatch, expect, expect_movement
from domain.ids import DepositId, UserId
from domain.money import MAX_UNITS, Amount
from domain.payments import BalanceMovement, PaymentFact, PaymentStatus

MOST_RETURNS = 256
"""How many refunds and disputes one deposit may have: its state remembers each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDeposit:
    """Put a deposit on record before the provider is asked."""

    deposit: DepositId
    user: UserId
    provider: str
    amount: Amount
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSilence:
    """The provider was asked and did not say what it did."""

    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRefusal:
    """The provider definitively refused what it was asked for."""

    reason: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPayment:
    """The payment as the provider has it now. `tenant` is whose stream this is."""

    tenant: str
    fact: PaymentFact


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveReturn:
    """An amount goes back to the payer, `by` a refund of ours; or, `taken`, has been taken by a dispute already."""

    by: str
    amount: Amount
    taken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseReturn:
    """What should go back `by` a refund or a dispute has come to nothing."""

    by: str


DepositCommand = RequestDeposit | RecordSilence | RecordRefusal | RecordPayment | ReserveReturn | ReleaseReturn


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """A deposit; `payment` is the provider's name for it, `movement` the line that settled it, both once known."""

    deposit: DepositId
    user: UserId
    provider: str
    amount: Amount
    requested_at: datetime
    status: Status = Status.REQUESTED
    payment: str | None = None
    movement: str | None = None
    returns: Mapping[str, Amount] = field(default_factory=dict)

    @property
    def left(self) -> Amount:
        """What has neither gone back nor is about to; below zero where a dispute took what was refunded too."""
        return sum((-amount for amount in self.returns.values()), self.amount)


State = Deposit | None
INITIAL: State = None


def decide(state: State, command: DepositCommand) -> tuple[DepositEvent, ...]:
    """Return what follows; nothing where it is known already. Raises `FactMismatch` where a fact does not fit."""
    if isinstance(command, RequestDeposit):
        if state is not None:
            raise DepositExists
        return (_requested(command),)
    if state is None:
        raise UnknownDeposit
    match command:
        case RecordSilence(occurred_at=at):
            asked = state.status is Status.REQUESTED
            return (DepositOutcomeUnknown(deposit=state.deposit, occurred_at=at),) if asked else ()
        case RecordRefusal(reason=reason, occurred_at=at):
            unmade = state.payment is None and state.status in _UNKNOWN_THERE
            return (DepositFailed(deposit=state.deposit, reason=reason, occurred_at=at),) if unmade else ()
        case RecordPayment():
            return _recorded(state, command)
        case ReserveReturn():
            return _reserved(state, command)
        case ReleaseReturn(by=by):
            if by not in state.returns:
                return ()
            return (DepositReturnReleased(deposit=state.deposit, by=by, amount=state.returns[by]),)
        case _:
            assert_never(command)


def evolve(state: State, event: DepositEvent) -> State:
    """Take an event over."""
    if isinstance(event, DepositRequested):
        return _beginning(event)
    assert state is not None, "a deposit begins by being requested"
    match event:
        case DepositOutcomeUnknown():
            return replace(state, status=Status.PENDING_PROVIDER)
        case DepositPaymentCreated(payment=payment):
            return replace(state, status=Status.PENDING, payment=payment)
        case DepositSettled(payment=payment, movement=movement):
            return replace(state, status=Status.SETTLED, payment=payment, movement=movement)
        case DepositFailed():
            return replace(state, status=Status.FAILED)
        case DepositCancelled():
            return replace(state, status=Status.CANCELLED)
        case DepositReturnReserved(by=by, amount=amount):
            return replace(state, returns={**state.returns, by: amount})
        case DepositReturnReleased(by=by):
            return replace(state, returns={other: each for other, each in state.returns.items() if other != by})
        case _:
            assert_never(event)


_UNKNOWN_THERE = frozenset({Status.REQUESTED, Status.PENDING_PROVIDER})
_ENDED = frozenset({Status.FAILED, Status.CANCELLED})


def _requested(command: RequestDeposit) -> DepositRequested:
    if not 0 < command.amount.units < MAX_UNITS:
        raise InvalidDeposit(at=("amount",))
    return DepositRequested(
        deposit=command.deposit,
        user=command.user,
        provider=command.provider,
        amount=command.amount,
        occurred_at=command.occurred_at,
    )


def _recorded(state: Deposit, command: RecordPayment) -> tuple[DepositEvent, ...]:
    """Compare a payment with the deposit, then say what is new about it."""
    fact = command.fact
    expect(
        tenant=(command.tenant, fact.tenant),
        deposit=(state.deposit, fact.deposit),
        provider=(state.provider, fact.provider),
        payment=(state.payment or fact.id, fact.id),
        amount=(state.amount, fact.amount),
    )
    match fact.status:
        case PaymentStatus.SUCCEEDED if fact.movement is not None:
            return _settled(state, fact, fact.movement)
        case PaymentStatus.SUCCEEDED | PaymentStatus.PENDING:  # Settled only once the provider's account has its line.
            if state.status not in _UNKNOWN_THERE:
                return ()
            return (DepositPaymentCreated(deposit=state.deposit, payment=fact.id, occurred_at=fact.occurred_at),)
        case PaymentStatus.FAILED | PaymentStatus.CANCELLED:
            return _ended(state, fact)
        case _:
            assert_never(fact.status)


def _settled(state: Deposit, fact: PaymentFact, movement: BalanceMovement) -> tuple[DepositEvent, ...]:
    if state.status is Status.SETTLED:
        expect(movement=(state.movement, movement.id))
        return ()
    expect_movement(movement, state.amount)
    return (
        DepositSettled(
            deposit=state.deposit,
            user=state.user,
            provider=state.provider,
            payment=fact.id,
            amount=state.amount,
            movement=movement.id,
            settled=movement.settled,
            fee=movement.fee,
            occurred_at=fact.occurred_at,
        ),
    )


def _ended(state: Deposit, fact: PaymentFact) -> tuple[DepositEvent, ...]:
    """End a deposit that came to nothing. Money that was there does not vanish by a payment's failing."""
    if state.status is Status.SETTLED:
        raise FactMismatch(field="status", known=state.status, said=fact.status)
    if state.status in _ENDED:
        return ()
    reason = fact.reason or fact.status.value
    if fact.status is PaymentStatus.FAILED:
        return (DepositFailed(deposit=state.deposit, reason=reason, occurred_at=fact.occurred_at),)
    return (DepositCancelled(deposit=state.deposit, reason=reason, occurred_at=fact.occurred_at),)


def _reserved(state: Deposit, command: ReserveReturn) -> tuple[DepositEvent, ...]:
    if command.by in state.returns:
        return ()
    if state.status is not Status.SETTLED:
        raise NotSettled(status=state.status)
    if not command.taken and (state.left < command.amount or len(state.returns) >= MOST_RETURNS):
        raise MoreThanDeposited(left=state.left, requested=command.amount)
    return (DepositReturnReserved(deposit=state.deposit, by=command.by, amount=command.amount),)


def _beginning(event: DepositRequested) -> Deposit:
    return Deposit(
        deposit=event.deposit,
        user=event.user,
        provider=event.provider,
        amount=event.amount,
        requested_at=event.occurred_at,
    )
