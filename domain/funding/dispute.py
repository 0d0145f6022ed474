"""Decide the life of one dispute: a payer's bank takes a payment back, and gives it back where we win.

The provider takes the money without asking, so nothing here can refuse it; only a fact that does not fit is refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, assert_never

from domain.errors import NotFound
from domain.funding.deposit import Deposit
from domain.funding.facts import FactMismatch, expect, expect_movement
from domain.ids import DepositId, DisputeId, UserId
from domain.money import Amount
from domain.payments import BalanceMovement, DisputeFact
from domain.payments import DisputeStatus as Said


class Status(StrEnum):
    """Where a dispute stands: `open` until the money is taken, which is the worst that can happen, or it is decided."""

    OPEN = "open"
    CHARGED_BACK = "charged_back"
    WON = "won"
    LOST = "lost"


@dataclass(kw_only=True, eq=False)
class UnknownDispute(NotFound):
    """There is no such dispute."""

    code: ClassVar[str] = "unknown_dispute"
    sentence: ClassVar[str] = "There is no such dispute."


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDispute:
    """The dispute as the provider has it now, and the settled deposit that it is about, in the stream of `tenant`."""

    dispute: DisputeId
    tenant: str
    deposit: Deposit
    fact: DisputeFact


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeOpened:
    """A payer does not want to have paid. `object` is the provider's name for the dispute."""

    dispute: DisputeId
    deposit: DepositId
    user: UserId
    provider: str
    object: str
    amount: Amount
    reason: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeChargedBack:
    """The money was taken, and a fee: a line of the provider's account says so."""

    dispute: DisputeId
    movement: str
    settled: Amount
    fee: Amount
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeWon:
    """It was decided for us. `movement` gave the money back, and `fee` of what was kept; None where none was taken."""

    dispute: DisputeId
    movement: str | None
    settled: Amount | None
    fee: Amount | None
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeLost:
    """It was decided against us: the money stays where it is."""

    dispute: DisputeId
    occurred_at: datetime


DisputeEvent = DisputeOpened | DisputeChargedBack | DisputeWon | DisputeLost


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A dispute; `taken` is the line that took the money, `returned` the one that gave it back, once known."""

    dispute: DisputeId
    deposit: DepositId
    user: UserId
    provider: str
    object: str
    amount: Amount
    status: Status = Status.OPEN
    taken: str | None = None
    returned: str | None = None


State = Dispute | None
INITIAL: State = None


def decide(state: State, command: RecordDispute) -> tuple[DisputeEvent, ...]:
    """Return all that is new, in the order in which it happens, however much of it we missed.

    Raises `FactMismatch` where the fact does not fit the deposit, or what was said before.
    """
    fact, deposit = command.fact, command.deposit
    expect(
        tenant=(command.tenant, fact.tenant),
        deposit=(deposit.deposit, fact.deposit),
        provider=(deposit.provider, fact.provider),
        payment=(deposit.payment, fact.payment),
        asset=(deposit.amount.asset, fact.amount.asset),
    )
    if not 0 < fact.amount.units <= deposit.amount.units:
        raise FactMismatch(field="amount", known=f"at most {deposit.amount}", said=f"{fact.amount}")
    if state is not None:
        expect(object=(state.object, fact.id), amount=(state.amount, fact.amount))
    return tuple(_news(state, command))


def evolve(state: State, event: DisputeEvent) -> State:
    """Take an event over."""
    if isinstance(event, DisputeOpened):
        return Dispute(
            dispute=event.dispute,
            deposit=event.deposit,
            user=event.user,
            provider=event.provider,
            object=event.object,
            amount=event.amount,
        )
    assert state is not None, "a dispute begins by being opened"
    match event:
        case DisputeChargedBack(movement=movement):
            return replace(state, status=Status.CHARGED_BACK, taken=movement)
        case DisputeWon(movement=movement):
            return replace(state, status=Status.WON, returned=movement)
        case DisputeLost():
            return replace(state, status=Status.LOST)
        case _:
            assert_never(event)


def _news(state: State, command: RecordDispute) -> Iterator[DisputeEvent]:
    fact, dispute = command.fact, command.dispute
    if state is None:
        yield DisputeOpened(
            dispute=dispute,
            deposit=command.deposit.deposit,
            user=command.deposit.user,
            provider=fact.provider,
            object=fact.id,
            amount=fact.amount,
            reason=fact.reason or "",
            occurred_at=fact.occurred_at,
        )
    known = None if state is None else state.taken
    if fact.taken is not None and _is_new(fact.taken, known, field="taken"):
        expect_movement(fact.taken, fact.amount)
        taken = fact.taken
        yield DisputeChargedBack(
            dispute=dispute, movement=taken.id, settled=taken.settled, fee=taken.fee, occurred_at=fact.occurred_at
        )
    yield from _decided(state, command)


def _decided(state: State, command: RecordDispute) -> Iterator[DisputeEvent]:
    """Say how it was decided. Won is booked with the line that gives back what was taken, and waits for it."""
    fact, dispute = command.fact, command.dispute
    status = None if state is None else state.status
    match fact.status:
        case Said.OPEN:
            return
        case Said.LOST:
            if status is Status.WON:
                raise FactMismatch(field="status", known=Status.WON, said=fact.status)
            if status is not Status.LOST:
                yield DisputeLost(dispute=dispute, occurred_at=fact.occurred_at)
        case Said.WON:
            yield from _won(state, command)
        case _:
            assert_never(fact.status)


def _won(state: State, command: RecordDispute) -> Iterator[DisputeWon]:
    fact, returned = command.fact, command.fact.returned
    known = None if state is None else state.returned
    if returned is not None:
        if _is_new(returned, known, field="returned"):
            if fact.taken is None and (state is None or state.taken is None):
                raise FactMismatch(field="taken", known="nothing was taken", said=returned.id)
            expect_movement(returned, fact.amount)
            yield DisputeWon(
                dispute=command.dispute,
                movement=returned.id,
                settled=returned.settled,
                fee=returned.fee,
                occurred_at=fact.occurred_at,
            )
    elif fact.taken is None and (state is None or (state.taken is None and state.status is not Status.WON)):
        yield DisputeWon(dispute=command.dispute, movement=None, settled=None, fee=None, occurred_at=fact.occurred_at)


def _is_new(movement: BalanceMovement, known: str | None, *, field: str) -> bool:
    """Tell whether a line is the first of its kind. Raises `FactMismatch` for another in its place."""
    if known is not None:
        expect(**{field: (known, movement.id)})
    return known is None
