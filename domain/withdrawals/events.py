"""What happened to a withdrawal. Each event says which, and names the entry it posted in the same append."""

from dataclasses import dataclass
from datetime import datetime

from domain.destinations import Kind
from domain.ids import AccountPath, DestinationId, EntryId, PayoutFileId, UserId, WithdrawalId
from domain.ledger.accounts import Bucket
from domain.money import Amount
from domain.withdrawals.terms import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalRequested:
    """An amount is on hold. `fee` and the tax `withheld` are inside it; `terms` are those it was decided on."""

    withdrawal: WithdrawalId
    user: UserId
    destination: DestinationId
    rail: Kind
    bucket: Bucket
    amount: Amount
    fee: Amount
    withheld: Amount
    terms: Terms
    entry: EntryId
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalCancelled:
    """The request was taken back; the hold is reversed."""

    withdrawal: WithdrawalId
    by: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalApproved:
    """It shall be paid: we owe it to the user's bank account and no longer to the user's wallet."""

    withdrawal: WithdrawalId
    by: str
    proposed_by: str | None
    entry: EntryId
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalRejected:
    """It shall not be paid; the hold is reversed."""

    withdrawal: WithdrawalId
    by: str
    reason: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalSent:
    """It is in a file for the bank. Whether the bank has paid is for the bank to say."""

    withdrawal: WithdrawalId
    by: str
    file: PayoutFileId
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalPaid:
    """It was paid out of an account of ours, less the fee."""

    withdrawal: WithdrawalId
    by: str
    source: AccountPath
    reference: str
    network_fee: Amount | None
    entry: EntryId
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalFailed:
    """It could not be paid; every entry so far is reversed."""

    withdrawal: WithdrawalId
    by: str
    reason: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalReturned:
    """It came back; every entry so far is reversed."""

    withdrawal: WithdrawalId
    by: str
    reason: str
    occurred_at: datetime


WithdrawalEvent = (
    WithdrawalRequested
    | WithdrawalCancelled
    | WithdrawalApproved
    | WithdrawalRejected
    | WithdrawalSent
    | WithdrawalPaid
    | WithdrawalFailed
    | WithdrawalReturned
)
