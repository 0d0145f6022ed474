"""What happened to a deposit, and the rules it can break. Each event says which deposit."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from domain.errors import Invalid, NotFound, Refused
from domain.ids import DepositId, UserId
from domain.money import Amount


class Status(StrEnum):
    """Where a deposit stands. `pending_provider`: the provider was asked and its answer is not known."""

    REQUESTED = "requested"
    PENDING = "pending"
    PENDING_PROVIDER = "pending_provider"
    SETTLED = "settled"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(kw_only=True, eq=False)
class UnknownDeposit(NotFound):
    """There is no such deposit for whoever asked."""

    code: ClassVar[str] = "unknown_deposit"
    sentence: ClassVar[str] = "There is no such deposit."


@dataclass(kw_only=True, eq=False)
class DepositExists(Refused):
    """The deposit is on record already."""

    code: ClassVar[str] = "deposit_exists"
    sentence: ClassVar[str] = "The deposit is on record already."


@dataclass(kw_only=True, eq=False)
class UnknownProvider(NotFound):
    """There is no such payment provider in this installation."""

    code: ClassVar[str] = "unknown_provider"
    sentence: ClassVar[str] = "There is no such payment provider here."


@dataclass(kw_only=True, eq=False)
class InvalidDeposit(Invalid):
    """A deposit is above zero, and small enough to be posted."""

    code: ClassVar[str] = "invalid_deposit"
    sentence: ClassVar[str] = "A deposit is an amount above zero."


@dataclass(kw_only=True, eq=False)
class NotSettled(Refused):
    """Only what has come in goes back."""

    code: ClassVar[str] = "deposit_not_settled"
    sentence: ClassVar[str] = "The deposit is not settled."
    status: Status


@dataclass(kw_only=True, eq=False)
class MoreThanDeposited(Refused):
    """No more goes back than is left of the deposit."""

    code: ClassVar[str] = "more_than_deposited"
    sentence: ClassVar[str] = "Less than this is left of the deposit."
    left: Amount
    requested: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositRequested:
    """A user wants to pay in. The deposit's id is the idempotency key at the provider."""

    deposit: DepositId
    user: UserId
    provider: str
    amount: Amount
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositOutcomeUnknown:
    """The provider was asked; a query will settle what it did."""

    deposit: DepositId
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositPaymentCreated:
    """The provider waits for the payer. `payment` is its name for it."""

    deposit: DepositId
    payment: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositSettled:
    """The provider has the money: a line of its account says so, with what it kept."""

    deposit: DepositId
    user: UserId
    provider: str
    payment: str
    amount: Amount
    movement: str
    settled: Amount
    fee: Amount
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositFailed:
    """Nothing was paid, and nothing will be."""

    deposit: DepositId
    reason: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositCancelled:
    """The payment was called off at the provider."""

    deposit: DepositId
    reason: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositReturnReserved:
    """A part of the deposit goes back to the payer, or was taken back, `by` a refund or a dispute."""

    deposit: DepositId
    by: str
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositReturnReleased:
    """That part stays after all."""

    deposit: DepositId
    by: str
    amount: Amount


DepositEvent = (
    DepositRequested
    | DepositOutcomeUnknown
    | DepositPaymentCreated
    | DepositSettled
    | DepositFailed
    | DepositCancelled
    | DepositReturnReserved
    | DepositReturnReleased
)
