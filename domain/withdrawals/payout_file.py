"""A file for the bank: which payments it asks for and what they come to, on record before it is written.

That a withdrawal is in one file only is decided by the withdrawal (withdrawal.py).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain.errors import NotFound, Refused
from domain.ids import PayoutFileId, WithdrawalId
from domain.money import Amount


@dataclass(kw_only=True, eq=False)
class UnknownPayoutFile(NotFound):
    """There is no such file."""

    code: ClassVar[str] = "unknown_payout_file"
    sentence: ClassVar[str] = "There is no such pay-out file."


@dataclass(kw_only=True, eq=False)
class PayoutFileExists(Refused):
    """The file was made already."""

    code: ClassVar[str] = "payout_file_exists"
    sentence: ClassVar[str] = "The pay-out file was made already."
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutFileMade:
    """The bank is to pay these withdrawals; `total` is what they come to, after fees and tax."""

    file: PayoutFileId
    withdrawals: tuple[WithdrawalId, ...]
    total: Amount
    by: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutFile:
    """A file that was made."""

    file: PayoutFileId
    withdrawals: tuple[WithdrawalId, ...]
    total: Amount


State = PayoutFile | None
INITIAL: State = None


def decide(state: State, command: PayoutFileMade) -> tuple[PayoutFileMade, ...]:
    """Make a file, once. What is in it was decided by the withdrawals themselves, in the same append."""
    if state is not None:
        raise PayoutFileExists(file=state.file)
    assert command.withdrawals, "a file asks for something"
    return (command,)


def evolve(state: State, event: PayoutFileMade) -> State:  # noqa: ARG001 - every decider has this shape
    """Remember what is in it."""
    return PayoutFile(file=event.file, withdrawals=event.withdrawals, total=event.total)
