"""Transfers between users: two entries through a clearing account in one append, one in each of the two books.

Whoever owes in that asset pays first with what comes in (set_off.py); nobody sends what they have not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain.errors import Invalid, Refused
from domain.ids import AccountPath, EntryId, TransferId, UserId
from domain.ledger.accounts import Bucket, available
from domain.ledger.book import Book
from domain.ledger.entry import JournalEntry, Posting
from domain.ledger.set_off import credit
from domain.money import Amount

KIND = "transfer"
CLEARING = AccountPath("liabilities:clearing:transfers")


@dataclass(kw_only=True, eq=False)
class TransferToSelf(Invalid):
    """Nobody sends money to themselves."""

    code: ClassVar[str] = "transfer_to_self"
    sentence: ClassVar[str] = "A transfer goes to somebody else."


@dataclass(kw_only=True, eq=False)
class RecipientNotActive(Refused):
    """Money goes to people who may use it."""

    code: ClassVar[str] = "recipient_not_active"
    sentence: ClassVar[str] = "The recipient cannot receive money now."


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeTransfer:
    """Send an amount, above zero, from one user's real money to another's."""

    transfer: TransferId
    sender: UserId
    recipient: UserId
    amount: Amount
    note: str
    recipient_is_active: bool
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferMade:
    """Money went from one user to another."""

    transfer: TransferId
    sender: UserId
    recipient: UserId
    amount: Amount
    note: str
    occurred_at: datetime


State = TransferMade | None
INITIAL: State = None


def decide(state: State, command: MakeTransfer) -> tuple[TransferMade, ...]:
    """Let money go to somebody else who is active; what the sender has is the book's rule."""
    if state is not None:
        return ()
    if command.sender == command.recipient:
        raise TransferToSelf(at=("to_user",))
    if not command.recipient_is_active:
        raise RecipientNotActive
    return (
        TransferMade(
            transfer=command.transfer,
            sender=command.sender,
            recipient=command.recipient,
            amount=command.amount,
            note=command.note,
            occurred_at=command.occurred_at,
        ),
    )


def evolve(state: State, event: TransferMade) -> State:  # noqa: ARG001 - every decider has this shape
    """Remember it."""
    return event


def entries(
    made: TransferMade, recipient: Book, *, effective_at: datetime, id_of: Callable[[UserId], EntryId]
) -> tuple[JournalEntry, JournalEntry]:
    """Return the sender's entry and the recipient's; they meet in the clearing account (ACCOUNTING, transfer)."""
    amount = made.amount

    def entry(owner: UserId, *postings: Posting) -> JournalEntry:
        return JournalEntry(
            id=id_of(owner),
            kind=KIND,
            reference=made.transfer,
            occurred_at=made.occurred_at,
            effective_at=effective_at,
            postings=postings,
            note=made.note,
        )

    out = entry(made.sender, Posting(available(made.sender, Bucket.REAL), amount), Posting(CLEARING, -amount))
    received = credit(recipient, made.recipient, Bucket.REAL, amount)
    return out, entry(made.recipient, Posting(CLEARING, amount), *received)
