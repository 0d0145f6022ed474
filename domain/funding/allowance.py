"""Decide the allowance for credit losses of one asset: what of all that is owed will probably not be collected.

It is an estimate that somebody makes at the end of a month; what is written off uses it up first. Whether an estimate
is right is not decided here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, assert_never

from domain.errors import Invalid
from domain.funding.entries import Booking
from domain.ids import AccountPath, EntryId, WriteOffId
from domain.ledger.entry import JournalEntry, Posting
from domain.money import MAX_UNITS, Amount
from domain.texts import check_text

ALLOWANCE = AccountPath("assets:receivable:allowance")
LOSSES = AccountPath("expenses:credit_losses")


@dataclass(kw_only=True, eq=False)
class InvalidAllowance(Invalid):
    """An allowance is not below zero."""

    code: ClassVar[str] = "invalid_allowance"
    sentence: ClassVar[str] = "An allowance is an amount that is not below zero."


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What of an asset will probably not be collected, as somebody sees it; `entry` names it and its entry."""

    entry: EntryId
    level: Amount
    reason: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAllowance:
    """Have as much of an asset as an estimate says."""

    estimate: Estimate
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UseAllowance:
    """Take from it for a write-off; `amount` is not above what there is."""

    write_off: WriteOffId
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreAllowance:
    """Give back what a write-off had taken, as that was recovered."""

    write_off: WriteOffId
    amount: Amount


AllowanceCommand = SetAllowance | UseAllowance | RestoreAllowance


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowanceSet:
    """There is an allowance of so much; it was another before."""

    entry: EntryId
    before: Amount
    level: Amount
    reason: str
    by: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowanceUsed:
    """A write-off took so much of it."""

    write_off: WriteOffId
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowanceRestored:
    """What a write-off had taken is back."""

    write_off: WriteOffId
    amount: Amount


AllowanceEvent = AllowanceSet | AllowanceUsed | AllowanceRestored

State = Amount | None
"""How much there is; None before the first estimate."""
INITIAL: State = None


def decide(state: State, command: AllowanceCommand) -> tuple[AllowanceEvent, ...]:
    """Set it, where that changes anything; take from it and give back, where that is more than nothing."""
    match command:
        case SetAllowance():
            return _set(state, command)
        case UseAllowance(write_off=write_off, amount=amount):
            assert amount <= left(state, amount), "a write-off takes what there is"
            return (AllowanceUsed(write_off=write_off, amount=amount),) if amount else ()
        case RestoreAllowance(write_off=write_off, amount=amount):
            return (AllowanceRestored(write_off=write_off, amount=amount),) if amount else ()
        case _:
            assert_never(command)


def evolve(state: State, event: AllowanceEvent) -> State:
    """Keep how much there is."""
    match event:
        case AllowanceSet(level=level):
            return level
        case AllowanceUsed(amount=amount):
            return left(state, amount) - amount
        case AllowanceRestored(amount=amount):
            return left(state, amount) + amount
        case _:
            assert_never(event)


def left(state: State, like: Amount) -> Amount:
    """Return how much there is, in the asset of `like`."""
    return like.asset.amount(0) if state is None else state


def entry(booking: Booking, estimated: AllowanceSet) -> Iterator[JournalEntry]:
    """Book what an estimate changes: more is a loss that is expected, less is one that is not."""
    change = estimated.level - estimated.before
    yield from booking.entry("credit_loss_allowance", Posting(LOSSES, change), Posting(ALLOWANCE, -change))


def _set(state: State, command: SetAllowance) -> tuple[AllowanceSet, ...]:
    estimate = command.estimate
    if not 0 <= estimate.level.units < MAX_UNITS:
        raise InvalidAllowance(at=("level",))
    check_text(estimate.reason, "reason")
    before = left(state, estimate.level)
    if estimate.level == before:
        return ()
    return (
        AllowanceSet(
            entry=estimate.entry,
            before=before,
            level=estimate.level,
            reason=estimate.reason,
            by=command.by,
            occurred_at=estimate.occurred_at,
        ),
    )
