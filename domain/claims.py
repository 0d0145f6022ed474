"""Claims: what can be had once. Each is a stream of its own, created at version 1 by the one event that takes it."""

from dataclasses import dataclass
from typing import ClassVar, assert_never

from domain.errors import Refused
from domain.ids import UserId
from domain.ledger.entry import EntryReversed, ReferenceClaimed
from domain.users import EmailTaken


@dataclass(kw_only=True, eq=False)
class DuplicateReference(Refused):
    """An explicit reference is unique per tenant and kind."""

    code: ClassVar[str] = "duplicate_reference"
    sentence: ClassVar[str] = "An entry of this kind has this reference already."
    reference: str
    entry: str


@dataclass(kw_only=True, eq=False)
class AlreadyReversed(Refused):
    """An entry is reversed once."""

    code: ClassVar[str] = "already_reversed"
    sentence: ClassVar[str] = "The entry is reversed already."
    entry: str
    reversal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailClaimed:
    """An e-mail address, known to the log by a keyed hash only, belongs to a user."""

    user: UserId


@dataclass(kw_only=True, eq=False)
class AlreadyBooked(Refused):
    """An outside fact is booked once (ACCOUNTING, invariant 14)."""

    code: ClassVar[str] = "already_booked"
    sentence: ClassVar[str] = "This line of the provider's or the bank's account is booked already."
    source: str
    movement: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideFactBooked:
    """A line of a provider's or a bank's account is booked by a deposit, refund, dispute, payout or receipt."""

    source: str
    movement: str
    by: str


Claim = EmailClaimed | ReferenceClaimed | EntryReversed | OutsideFactBooked


@dataclass(frozen=True, slots=True, kw_only=True)
class Free:
    """Nobody has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Somebody has it."""

    by: Claim


State = Free | Taken
INITIAL: State = Free()


def decide(state: State, command: Claim) -> tuple[Claim, ...]:
    """Take what is free; say who has what is not."""
    if isinstance(state, Free):
        return (command,)
    match state.by:
        case EmailClaimed():
            raise EmailTaken
        case ReferenceClaimed(reference=reference, entry=entry):
            raise DuplicateReference(reference=reference, entry=entry)
        case EntryReversed(entry=entry, reversal=reversal):
            raise AlreadyReversed(entry=entry, reversal=reversal)
        case OutsideFactBooked(source=source, movement=movement, by=by):
            raise AlreadyBooked(source=source, movement=movement, by=by)
        case _:
            assert_never(state.by)


def evolve(state: State, event: Claim) -> State:  # noqa: ARG001 - every decider has this shape
    """Remember who has it."""
    return Taken(by=event)
