"""Decide the life of one withdrawal: what may follow what, and who may say so.

Limits and funds are decided on the user's book (limits.py, domain/ledger/book.py); the entries are in entries.py.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import assert_never

from domain.destinations import Kind
from domain.four_eyes import SecondPersonNeeded, require_other
from domain.ids import AccountPath, DestinationId, EntryId, PayoutFileId, UserId, WithdrawalId, is_id
from domain.ledger.accounts import Bucket
from domain.ledger.entry import MAX_REFERENCE
from domain.money import Amount
from domain.texts import check_text
from domain.withdrawals.commands import (
    ApproveWithdrawal,
    CancelWithdrawal,
    FailWithdrawal,
    PayWithdrawal,
    RejectWithdrawal,
    RequestWithdrawal,
    ReturnWithdrawal,
    SendWithdrawal,
    WithdrawalAct,
    WithdrawalCommand,
)
from domain.withdrawals.errors import (
    AlreadySent,
    BelowMinimum,
    InvalidNetworkFee,
    NotWithdrawable,
    UnknownWithdrawal,
    WithdrawalExists,
    WithdrawalTransitionRefused,
)
from domain.withdrawals.events import (
    WithdrawalApproved,
    WithdrawalCancelled,
    WithdrawalEvent,
    WithdrawalFailed,
    WithdrawalPaid,
    WithdrawalRejected,
    WithdrawalRequested,
    WithdrawalReturned,
    WithdrawalSent,
)
from domain.withdrawals.terms import WITHDRAWABLE, Status, Terms

LEADS_TO = MappingProxyType(
    {
        CancelWithdrawal: (Status.REQUESTED, Status.CANCELLED),
        ApproveWithdrawal: (Status.REQUESTED, Status.APPROVED),
        RejectWithdrawal: (Status.REQUESTED, Status.REJECTED),
        SendWithdrawal: (Status.APPROVED, Status.APPROVED),
        PayWithdrawal: (Status.APPROVED, Status.PAID),
        FailWithdrawal: (Status.APPROVED, Status.FAILED),
        ReturnWithdrawal: (Status.PAID, Status.RETURNED),
    }
)
"""Each act's status before and after; every other pair is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """How it was paid."""

    source: AccountPath
    network_fee: Amount | None
    entry: EntryId


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A withdrawal, and of each step that posted an entry what the entry was made of."""

    withdrawal: WithdrawalId
    user: UserId
    destination: DestinationId
    rail: Kind
    bucket: Bucket
    amount: Amount
    fee: Amount
    withheld: Amount
    terms: Terms
    requested_at: datetime
    requested_by: EntryId
    approved_by: EntryId | None = None
    sent_in: PayoutFileId | None = None
    payment: Payment | None = None
    status: Status = Status.REQUESTED

    @property
    def net(self) -> Amount:
        """What the user gets."""
        return self.amount - self.withheld - self.fee

    @property
    def needs_second_person(self) -> bool:
        """Whether two people approve it; it never changes."""
        return self.terms.needs_second_person(self.amount)


State = Withdrawal | None
INITIAL: State = None


def decide(state: State, command: WithdrawalCommand) -> tuple[WithdrawalEvent, ...]:
    """Return the event that a command leads to. Who may not act is told so before what the status allows."""
    if isinstance(command, RequestWithdrawal):
        if state is not None:
            raise WithdrawalExists(withdrawal=state.withdrawal)
        return (_requested(command),)
    if state is None:
        raise UnknownWithdrawal
    _check_person(state, command)
    before, wanted = LEADS_TO[type(command)]
    if state.status is not before:
        raise WithdrawalTransitionRefused(status=state.status, wanted=wanted)
    match command:
        case RejectWithdrawal(reason=reason) | FailWithdrawal(reason=reason) | ReturnWithdrawal(reason=reason):
            check_text(reason, "reason")
        case SendWithdrawal() if state.sent_in is not None:
            raise AlreadySent(file=state.sent_in)
        case PayWithdrawal(reference=reference):
            check_text(reference, "reference", most=MAX_REFERENCE)
        case _:
            pass
    return (_event(state, command),)


def evolve(state: State, event: WithdrawalEvent) -> State:
    """Take an event over."""
    if isinstance(event, WithdrawalRequested):
        return _beginning(event)
    assert state is not None, "a withdrawal begins by being requested"
    match event:
        case WithdrawalCancelled():
            return replace(state, status=Status.CANCELLED)
        case WithdrawalApproved(entry=entry):
            return replace(state, status=Status.APPROVED, approved_by=entry)
        case WithdrawalRejected():
            return replace(state, status=Status.REJECTED)
        case WithdrawalSent(file=file):
            return replace(state, sent_in=file)
        case WithdrawalPaid(source=source, network_fee=network_fee, entry=entry):
            payment = Payment(source=source, network_fee=network_fee, entry=entry)
            return replace(state, status=Status.PAID, payment=payment)
        case WithdrawalFailed():
            return replace(state, status=Status.FAILED)
        case WithdrawalReturned():
            return replace(state, status=Status.RETURNED)
        case _:
            assert_never(event)


def _requested(command: RequestWithdrawal) -> WithdrawalRequested:
    """Take fee and tax over from the terms. Raises `NotWithdrawable`, or `BelowMinimum` where nothing is left."""
    if command.bucket not in WITHDRAWABLE:
        raise NotWithdrawable(bucket=command.bucket, at=("bucket",))
    terms, amount = command.terms, command.amount
    withheld = terms.withheld(amount, command.bucket)
    if (amount - withheld - terms.fee).units <= 0:
        raise BelowMinimum(minimum=terms.minimum, requested=amount)
    return WithdrawalRequested(
        withdrawal=command.withdrawal,
        user=command.user,
        destination=command.destination,
        rail=command.rail,
        bucket=command.bucket,
        amount=amount,
        fee=terms.fee,
        withheld=withheld,
        terms=terms,
        entry=command.entry,
        occurred_at=command.occurred_at,
    )


def _check_person(state: Withdrawal, command: WithdrawalAct) -> None:
    """Let users cancel their own and nobody decide on their own; let two approve what is large."""
    match command:
        case CancelWithdrawal(by=by):
            if is_id(by) and by != state.user:
                raise UnknownWithdrawal
        case ApproveWithdrawal(by=by, proposed_by=proposed_by):
            require_other(by, state.user, *([] if proposed_by is None else [proposed_by]))
            if proposed_by is None and state.needs_second_person:
                raise SecondPersonNeeded
        case _:
            require_other(command.by, state.user)


def _event(state: Withdrawal, command: WithdrawalAct) -> WithdrawalEvent:
    withdrawal = state.withdrawal
    match command:
        case CancelWithdrawal(by=by, occurred_at=at):
            return WithdrawalCancelled(withdrawal=withdrawal, by=by, occurred_at=at)
        case ApproveWithdrawal(by=by, proposed_by=proposed_by, entry=entry, occurred_at=at):
            return WithdrawalApproved(
                withdrawal=withdrawal, by=by, proposed_by=proposed_by, entry=entry, occurred_at=at
            )
        case RejectWithdrawal(by=by, reason=reason, occurred_at=at):
            return WithdrawalRejected(withdrawal=withdrawal, by=by, reason=reason, occurred_at=at)
        case SendWithdrawal(by=by, file=file, occurred_at=at):
            return WithdrawalSent(withdrawal=withdrawal, by=by, file=file, occurred_at=at)
        case PayWithdrawal():
            _check_network_fee(state, command.network_fee)
            return WithdrawalPaid(
                withdrawal=withdrawal,
                by=command.by,
                source=command.source,
                reference=command.reference,
                network_fee=command.network_fee,
                entry=command.entry,
                occurred_at=command.occurred_at,
            )
        case FailWithdrawal(by=by, reason=reason, occurred_at=at):
            return WithdrawalFailed(withdrawal=withdrawal, by=by, reason=reason, occurred_at=at)
        case ReturnWithdrawal(by=by, reason=reason, occurred_at=at):
            return WithdrawalReturned(withdrawal=withdrawal, by=by, reason=reason, occurred_at=at)
        case _:
            assert_never(command)


def _check_network_fee(state: Withdrawal, fee: Amount | None) -> None:
    if fee is not None and (state.rail is not Kind.CRYPTO or fee.asset != state.amount.asset or fee.units <= 0):
        raise InvalidNetworkFee(at=("network_fee",))


def _beginning(event: WithdrawalRequested) -> Withdrawal:
    return Withdrawal(
        withdrawal=event.withdrawal,
        user=event.user,
        destination=event.destination,
        rail=event.rail,
        bucket=event.bucket,
        amount=event.amount,
        fee=event.fee,
        withheld=event.withheld,
        terms=event.terms,
        requested_at=event.occurred_at,
        requested_by=event.entry,
    )
