"""What can be asked of a withdrawal. `by` is who asks: a user's id, an operator at the command line, or a policy."""

from dataclasses import dataclass
from datetime import datetime

from domain.destinations import Kind
from domain.ids import AccountPath, DestinationId, EntryId, PayoutFileId, UserId, WithdrawalId
from domain.ledger.accounts import Bucket
from domain.money import Amount
from domain.withdrawals.terms import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestWithdrawal:
    """Hold an amount of a bucket, to be paid to a destination on these terms; `entry` is to hold it."""

    withdrawal: WithdrawalId
    user: UserId
    destination: DestinationId
    rail: Kind
    bucket: Bucket
    amount: Amount
    terms: Terms
    entry: EntryId
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelWithdrawal:
    """Take the request back before anybody approved it: its user, or the policy that settles a dispute."""

    by: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveWithdrawal:
    """Say that it shall be paid; `proposed_by` is the other of two people, where two were asked."""

    by: str
    proposed_by: str | None
    entry: EntryId
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectWithdrawal:
    """Say that it shall not be paid."""

    by: str
    reason: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SendWithdrawal:
    """Put it into a file for the bank, which is in no other."""

    by: str
    file: PayoutFileId
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PayWithdrawal:
    """Record that it was paid out of `source` under the payer's reference; `network_fee` is ours and of the asset."""

    by: str
    source: AccountPath
    reference: str
    network_fee: Amount | None
    entry: EntryId
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FailWithdrawal:
    """Record that what was approved could not be paid."""

    by: str
    reason: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnWithdrawal:
    """Record that what was paid came back."""

    by: str
    reason: str
    occurred_at: datetime


WithdrawalAct = (
    CancelWithdrawal
    | ApproveWithdrawal
    | RejectWithdrawal
    | SendWithdrawal
    | PayWithdrawal
    | FailWithdrawal
    | ReturnWithdrawal
)
WithdrawalCommand = RequestWithdrawal | WithdrawalAct
