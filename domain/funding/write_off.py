"""Decide the life of one write-off: what a user owes is given up, and collected after all where money comes later.

A recovery is the reversal of the write-off, then a collection: the debt is there again before money pays it. Nobody
gives up, or collects, what they owe themselves.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from domain.errors import Invalid, NotFound, Refused
from domain.four_eyes import require_other
from domain.funding.allowance import ALLOWANCE, LOSSES
from domain.funding.entries import Booking
from domain.ids import UserId, WriteOffId
from domain.ledger.accounts import available, receivable
from domain.ledger.book import EMPTY_WHILE_OWING, Book
from domain.ledger.entry import JournalEntry, Posting
from domain.ledger.set_off import take_back
from domain.money import Amount
from domain.texts import check_text


@dataclass(kw_only=True, eq=False)
class UnknownWriteOff(NotFound):
    """There is no such write-off."""

    code: ClassVar[str] = "unknown_write_off"
    sentence: ClassVar[str] = "There is no such write-off."


@dataclass(kw_only=True, eq=False)
class WriteOffExists(Refused):
    """The write-off is on record already."""

    code: ClassVar[str] = "write_off_exists"
    sentence: ClassVar[str] = "The write-off is on record already."


@dataclass(kw_only=True, eq=False)
class InvalidWriteOff(Invalid):
    """A write-off is above zero."""

    code: ClassVar[str] = "invalid_write_off"
    sentence: ClassVar[str] = "A write-off is an amount above zero."


@dataclass(kw_only=True, eq=False)
class MoreThanOwed(Refused):
    """Nobody gives up more than is owed."""

    code: ClassVar[str] = "more_than_owed"
    sentence: ClassVar[str] = "The user does not owe so much."
    owed: Amount
    requested: Amount


@dataclass(kw_only=True, eq=False)
class AlreadyRecovered(Refused):
    """It was recovered before."""

    code: ClassVar[str] = "already_recovered"
    sentence: ClassVar[str] = "The write-off is recovered already."


@dataclass(kw_only=True, eq=False)
class NothingToCollect(Refused):
    """A recovery brings money, and there is none."""

    code: ClassVar[str] = "nothing_to_collect"
    sentence: ClassVar[str] = "The user has no money that could pay what was owed."


@dataclass(frozen=True, slots=True, kw_only=True)
class GivingUp:
    """An amount of what a user owes shall be given up."""

    write_off: WriteOffId
    user: UserId
    amount: Amount
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeWriteOff:
    """Give up an amount. `owed` is what there is to give up, `allowance` what was provided for in its asset."""

    wanted: GivingUp
    owed: Amount
    allowance: Amount
    by: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverWriteOff:
    """Collect it after all. `there` is what the user has available for it."""

    there: Amount
    by: str
    occurred_at: datetime


WriteOffCommand = MakeWriteOff | RecoverWriteOff


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOffMade:
    """What was owed is given up: `from_allowance` had been provided for, the rest is a loss now."""

    write_off: WriteOffId
    user: UserId
    amount: Amount
    from_allowance: Amount
    reason: str
    by: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOffRecovered:
    """It is owed again, and so much of it was collected."""

    write_off: WriteOffId
    collected: Amount
    by: str
    occurred_at: datetime


WriteOffEvent = WriteOffMade | WriteOffRecovered


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOff:
    """A write-off, and whether it was recovered."""

    write_off: WriteOffId
    user: UserId
    amount: Amount
    from_allowance: Amount
    made_at: datetime
    recovered: bool = False


State = WriteOff | None
INITIAL: State = None


def decide(state: State, command: WriteOffCommand) -> tuple[WriteOffEvent, ...]:
    """Make a write-off, or recover it once."""
    if isinstance(command, MakeWriteOff):
        if state is not None:
            raise WriteOffExists
        return (_made(command),)
    if state is None:
        raise UnknownWriteOff
    require_other(command.by, state.user)
    if state.recovered:
        raise AlreadyRecovered
    if not command.there:
        raise NothingToCollect
    collected = min(command.there, state.amount)
    return (
        WriteOffRecovered(
            write_off=state.write_off, collected=collected, by=command.by, occurred_at=command.occurred_at
        ),
    )


def evolve(state: State, event: WriteOffEvent) -> State:
    """Take an event over."""
    if isinstance(event, WriteOffMade):
        return WriteOff(
            write_off=event.write_off,
            user=event.user,
            amount=event.amount,
            from_allowance=event.from_allowance,
            made_at=event.occurred_at,
        )
    assert state is not None, "a write-off begins by being made"
    return replace(state, recovered=True)


def written_off(booking: Booking, known: WriteOff) -> Iterator[JournalEntry]:
    """Book what is given up: first against what was provided for."""
    yield from booking.entry(
        "receivable_written_off",
        Posting(ALLOWANCE, known.from_allowance),
        Posting(LOSSES, known.amount - known.from_allowance),
        Posting(receivable(known.user), -known.amount),
    )


def collected(booking: Booking, book: Book, *, user: UserId, amount: Amount) -> Iterator[JournalEntry]:
    """Book what a user's wallets pay of what is owed: real money first, then commission."""
    yield from booking.entry("receivable_collected", *take_back(book, user, amount), Posting(receivable(user), -amount))


def there(book: Book, user: UserId, like: Amount) -> Amount:
    """Return what of an asset a user has available to pay what is owed."""
    wallets = (-book.balance(available(user, bucket), like.asset) for bucket in EMPTY_WHILE_OWING)
    return sum(wallets, like.asset.amount(0))


def _made(command: MakeWriteOff) -> WriteOffMade:
    wanted = command.wanted
    require_other(command.by, wanted.user)
    check_text(wanted.reason, "reason")
    if wanted.amount.units <= 0:
        raise InvalidWriteOff(at=("amount",))
    if command.owed < wanted.amount:
        raise MoreThanOwed(owed=command.owed, requested=wanted.amount)
    return WriteOffMade(
        write_off=wanted.write_off,
        user=wanted.user,
        amount=wanted.amount,
        from_allowance=min(command.allowance, wanted.amount),
        reason=wanted.reason,
        by=command.by,
        occurred_at=command.occurred_at,
    )
