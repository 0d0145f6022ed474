"""Decide the life of one receipt at the bank: money of which nobody knows whose it is, until somebody finds out."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from domain.errors import Invalid, NotFound, Refused
from domain.four_eyes import require_other
from domain.ids import ReceiptId, UserId
from domain.money import MAX_UNITS, Amount


@dataclass(kw_only=True, eq=False)
class UnknownReceipt(NotFound):
    """There is no such receipt."""

    code: ClassVar[str] = "unknown_receipt"
    sentence: ClassVar[str] = "There is no such receipt."


@dataclass(kw_only=True, eq=False)
class ReceiptExists(Refused):
    """The receipt is on record already."""

    code: ClassVar[str] = "receipt_exists"
    sentence: ClassVar[str] = "The receipt is on record already."


@dataclass(kw_only=True, eq=False)
class InvalidReceipt(Invalid):
    """A receipt is above zero."""

    code: ClassVar[str] = "invalid_receipt"
    sentence: ClassVar[str] = "A receipt is an amount above zero."


@dataclass(kw_only=True, eq=False)
class AlreadyIdentified(Refused):
    """Its owner is known."""

    code: ClassVar[str] = "already_identified"
    sentence: ClassVar[str] = "The receipt's owner is known already."
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordReceipt:
    """Put a line of the bank's statement on record; `line` is its number there, unique at the bank."""

    receipt: ReceiptId
    bank: str
    line: str
    amount: Amount
    by: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifyReceipt:
    """Say whose it is."""

    user: UserId
    by: str
    occurred_at: datetime


ReceiptCommand = RecordReceipt | IdentifyReceipt


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptRecorded:
    """Money is at the bank and nobody knows whose."""

    receipt: ReceiptId
    bank: str
    line: str
    amount: Amount
    by: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptIdentified:
    """Its owner is known."""

    receipt: ReceiptId
    user: UserId
    by: str
    occurred_at: datetime


ReceiptEvent = ReceiptRecorded | ReceiptIdentified


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A receipt, and whose it is once that is known."""

    receipt: ReceiptId
    bank: str
    line: str
    amount: Amount
    received_at: datetime
    user: UserId | None = None


State = Receipt | None
INITIAL: State = None


def decide(state: State, command: ReceiptCommand) -> tuple[ReceiptEvent, ...]:
    """Record a receipt, or say whose it is; nobody says that it is their own."""
    if isinstance(command, RecordReceipt):
        if state is not None:
            raise ReceiptExists
        return (_recorded(command),)
    if state is None:
        raise UnknownReceipt
    require_other(command.by, command.user)
    if state.user is not None:
        raise AlreadyIdentified(user=state.user)
    return (
        ReceiptIdentified(receipt=state.receipt, user=command.user, by=command.by, occurred_at=command.occurred_at),
    )


def evolve(state: State, event: ReceiptEvent) -> State:
    """Take an event over."""
    if isinstance(event, ReceiptRecorded):
        return Receipt(
            receipt=event.receipt,
            bank=event.bank,
            line=event.line,
            amount=event.amount,
            received_at=event.occurred_at,
        )
    assert state is not None, "a receipt begins by being recorded"
    return replace(state, user=event.user)


def _recorded(command: RecordReceipt) -> ReceiptRecorded:
    if not 0 < command.amount.units < MAX_UNITS:
        raise InvalidReceipt(at=("amount",))
    return ReceiptRecorded(
        receipt=command.receipt,
        bank=command.bank,
        line=command.line,
        amount=command.amount,
        by=command.by,
        occurred_at=command.occurred_at,
    )
