"""What a payment provider says about its objects, in our words: payments, refunds, disputes, payouts.

These are outside facts as they stand when we ask. A webhook only says where to look, so a repeated, reordered, missing
or forged one changes nothing; deciders compare a fact with what their stream already holds.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.money import Amount


class ObjectKind(StrEnum):
    """The kinds of objects a provider keeps for us."""

    PAYMENT = "payment"
    REFUND = "refund"
    DISPUTE = "dispute"
    PAYOUT = "payout"


class PaymentStatus(StrEnum):
    """Where a payment stands at the provider."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RefundStatus(StrEnum):
    """Where a refund stands at the provider."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class DisputeStatus(StrEnum):
    """Where a dispute stands: money is taken when it is opened, and given back when it is won."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class PayoutStatus(StrEnum):
    """Where a payout to our bank stands."""

    IN_TRANSIT = "in_transit"
    ARRIVED = "arrived"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceMovement:
    """A line of the provider's own account of our money: what it booked, gross, and what it kept of it.

    `id` is unique at the provider; `settled` is the gross in the currency the provider holds for us, which may be
    another than the payment's; `fee` is in that currency too. All amounts are unsigned; what the line is says the
    object it hangs on.
    """

    id: str
    settled: Amount
    fee: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFact:
    """A payment as the provider has it. `tenant` and `deposit` are the object's metadata: a claim, to be checked."""

    provider: str
    id: str
    tenant: str | None
    deposit: str | None
    status: PaymentStatus
    amount: Amount
    movement: BalanceMovement | None = None
    reason: str | None = None
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFact:
    """A refund as the provider has it; `payment` is the provider's id of what is refunded."""

    provider: str
    id: str
    tenant: str | None
    refund: str | None
    payment: str
    status: RefundStatus
    amount: Amount
    movement: BalanceMovement | None = None
    reason: str | None = None
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeFact:
    """A dispute as the provider has it. `taken` and `returned` are lines of its account, present once booked."""

    provider: str
    id: str
    tenant: str | None
    deposit: str | None
    payment: str
    status: DisputeStatus
    amount: Amount
    taken: BalanceMovement | None = None
    returned: BalanceMovement | None = None
    reason: str | None = None
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutFact:
    """A payout of our money to our bank as the provider has it."""

    provider: str
    id: str
    status: PayoutStatus
    amount: Amount
    movement: BalanceMovement | None = None
    reason: str | None = None
    occurred_at: datetime


ProviderFact = PaymentFact | RefundFact | DisputeFact | PayoutFact
