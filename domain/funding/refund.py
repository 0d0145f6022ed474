"""Decide the life of one refund: money held, asked back at the provider, gone or given back to the wallet.

That no more goes back than came in is the deposit's rule; that the money is there is the book's.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, assert_never

from domain.errors import Invalid, NotFound, Refused
from domain.four_eyes import require_other
from domain.funding.deposit import RecordRefusal, RecordSilence
from domain.funding.facts import FactMismatch, expect, expect_movement
from domain.ids import DepositId, RefundId, UserId
from domain.money import MAX_UNITS, Amount
from domain.payments import BalanceMovement, RefundFact
from domain.payments import RefundStatus as Said


class Status(StrEnum):
    """Where a refund stands. `pending_provider`: the provider was asked and its answer is not known."""

    REQUESTED = "requested"
    PENDING = "pending"
    PENDING_PROVIDER = "pending_provider"
    SETTLED = "settled"
    FAILED = "failed"


@dataclass(kw_only=True, eq=False)
class UnknownRefund(NotFound):
    """There is no such refund for whoever asked."""

    code: ClassVar[str] = "unknown_refund"
    sentence: ClassVar[str] = "There is no such refund."


@dataclass(kw_only=True, eq=False)
class RefundExists(Refused):
    """The refund is on record already."""

    code: ClassVar[str] = "refund_exists"
    sentence: ClassVar[str] = "The refund is on record already."


@dataclass(kw_only=True, eq=False)
class InvalidRefund(Invalid):
    """A refund is above zero."""

    code: ClassVar[str] = "invalid_refund"
    sentence: ClassVar[str] = "A refund is an amount above zero, in the asset of its deposit."


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRefund:
    """Put a refund of a settled deposit on record before the provider is asked. `by` is who decided on it."""

    refund: RefundId
    deposit: DepositId
    user: UserId
    provider: str
    payment: str
    amount: Amount
    by: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRefund:
    """The refund as the provider has it now. `tenant` is whose stream this is."""

    tenant: str
    fact: RefundFact


RefundCommand = RequestRefund | RecordSilence | RecordRefusal | RecordRefund


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequested:
    """An amount is held to go back to the payer. The refund's id is the idempotency key at the provider."""

    refund: RefundId
    deposit: DepositId
    user: UserId
    provider: str
    payment: str
    amount: Amount
    by: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOutcomeUnknown:
    """The provider was asked; a query will settle what it did."""

    refund: RefundId
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundAccepted:
    """The provider will pay it back. `object` is its name for it."""

    refund: RefundId
    object: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundSettled:
    """The provider has paid it back: a line of its account says so, with what it kept."""

    refund: RefundId
    object: str
    movement: str
    settled: Amount
    fee: Amount
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFailed:
    """It did not go back, or came back: the money is the user's again."""

    refund: RefundId
    reason: str
    occurred_at: datetime


RefundEvent = RefundRequested | RefundOutcomeUnknown | RefundAccepted | RefundSettled | RefundFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """A refund; `object` is the provider's name for it, `movement` the line that settled it, both once known."""

    refund: RefundId
    deposit: DepositId
    user: UserId
    provider: str
    payment: str
    amount: Amount
    requested_at: datetime
    status: Status = Status.REQUESTED
    object: str | None = None
    movement: BalanceMovement | None = None


State = Refund | None
INITIAL: State = None


def decide(state: State, command: RefundCommand) -> tuple[RefundEvent, ...]:
    """Return what follows; nothing where it is known already. Raises `FactMismatch` where a fact does not fit."""
    if isinstance(command, RequestRefund):
        if state is not None:
            raise RefundExists
        return (_requested(command),)
    if state is None:
        raise UnknownRefund
    match command:
        case RecordSilence(occurred_at=at):
            asked = state.status is Status.REQUESTED
            return (RefundOutcomeUnknown(refund=state.refund, occurred_at=at),) if asked else ()
        case RecordRefusal(reason=reason, occurred_at=at):
            return (RefundFailed(refund=state.refund, reason=reason, occurred_at=at),) if _is_unmade(state) else ()
        case RecordRefund():
            return _recorded(state, command)
        case _:
            assert_never(command)


def evolve(state: State, event: RefundEvent) -> State:
    """Take an event over."""
    if isinstance(event, RefundRequested):
        return _beginning(event)
    assert state is not None, "a refund begins by being requested"
    match event:
        case RefundOutcomeUnknown():
            return replace(state, status=Status.PENDING_PROVIDER)
        case RefundAccepted(object=said):
            return replace(state, status=Status.PENDING, object=said)
        case RefundSettled(object=said):
            line = BalanceMovement(id=event.movement, settled=event.settled, fee=event.fee)
            return replace(state, status=Status.SETTLED, object=said, movement=line)
        case RefundFailed():
            return replace(state, status=Status.FAILED)
        case _:
            assert_never(event)


def _is_unmade(state: Refund) -> bool:
    """Tell whether the provider has nothing of it as far as we know."""
    return state.object is None and state.status in {Status.REQUESTED, Status.PENDING_PROVIDER}


def _requested(command: RequestRefund) -> RefundRequested:
    require_other(command.by, command.user)
    if not 0 < command.amount.units < MAX_UNITS:
        raise InvalidRefund(at=("amount",))
    return RefundRequested(
        refund=command.refund,
        deposit=command.deposit,
        user=command.user,
        provider=command.provider,
        payment=command.payment,
        amount=command.amount,
        by=command.by,
        occurred_at=command.occurred_at,
    )


def _recorded(state: Refund, command: RecordRefund) -> tuple[RefundEvent, ...]:
    """Compare the provider's refund with ours, then say what is new about it."""
    fact = command.fact
    expect(
        tenant=(command.tenant, fact.tenant),
        refund=(state.refund, fact.refund),
        provider=(state.provider, fact.provider),
        payment=(state.payment, fact.payment),
        object=(state.object or fact.id, fact.id),
        amount=(state.amount, fact.amount),
    )
    at = fact.occurred_at
    match fact.status:
        case Said.SUCCEEDED if fact.movement is not None:
            return _settled(state, fact, fact.movement)
        case Said.SUCCEEDED | Said.PENDING:  # Settled only once the provider's account has its line.
            return (RefundAccepted(refund=state.refund, object=fact.id, occurred_at=at),) if _is_unmade(state) else ()
        case Said.FAILED:
            if state.status is Status.FAILED:
                return ()
            return (RefundFailed(refund=state.refund, reason=fact.reason or fact.status.value, occurred_at=at),)
        case _:
            assert_never(fact.status)


def _settled(state: Refund, fact: RefundFact, movement: BalanceMovement) -> tuple[RefundEvent, ...]:
    if state.movement is not None:
        expect(movement=(state.movement.id, movement.id))
        return ()
    if state.status is Status.FAILED:
        raise FactMismatch(field="status", known=state.status, said=fact.status)
    expect_movement(movement, state.amount)
    return (
        RefundSettled(
            refund=state.refund,
            object=fact.id,
            movement=movement.id,
            settled=movement.settled,
            fee=movement.fee,
            occurred_at=fact.occurred_at,
        ),
    )


def _beginning(event: RefundRequested) -> Refund:
    return Refund(
        refund=event.refund,
        deposit=event.deposit,
        user=event.user,
        provider=event.provider,
        payment=event.payment,
        amount=event.amount,
        requested_at=event.occurred_at,
    )
