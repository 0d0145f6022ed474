"""The rules a withdrawal can break, beside those of funds and debts, which are the book's."""

from dataclasses import dataclass
from typing import ClassVar

from domain.errors import Invalid, NotFound, Refused
from domain.ledger.accounts import Bucket
from domain.money import Amount
from domain.withdrawals.terms import Status


@dataclass(kw_only=True, eq=False)
class UnknownWithdrawal(NotFound):
    """The withdrawal was never asked for, or is somebody else's, which nobody is told."""

    code: ClassVar[str] = "unknown_withdrawal"
    sentence: ClassVar[str] = "There is no such withdrawal."


@dataclass(kw_only=True, eq=False)
class WithdrawalExists(Refused):
    """The withdrawal was asked for already."""

    code: ClassVar[str] = "withdrawal_exists"
    sentence: ClassVar[str] = "The withdrawal was asked for already."
    withdrawal: str


@dataclass(kw_only=True, eq=False)
class NotWithdrawable(Invalid):
    """What a bucket holds does not leave it this way."""

    code: ClassVar[str] = "not_withdrawable"
    sentence: ClassVar[str] = "Only real money and commission can be withdrawn."
    bucket: Bucket


@dataclass(kw_only=True, eq=False)
class AssetNotWithdrawable(Invalid):
    """No terms are configured for withdrawals in this asset."""

    code: ClassVar[str] = "asset_not_withdrawable"
    sentence: ClassVar[str] = "Withdrawals in this asset are not offered."
    asset: str


@dataclass(kw_only=True, eq=False)
class BelowMinimum(Refused):
    """The amount is too small, or nothing is left of it after fee and tax."""

    code: ClassVar[str] = "withdrawal_below_minimum"
    sentence: ClassVar[str] = "The amount is below what can be withdrawn."
    minimum: Amount
    requested: Amount


@dataclass(kw_only=True, eq=False)
class AboveLimit(Refused):
    """One withdrawal, or those of a UTC day together, would come above a limit; `limit` says which."""

    code: ClassVar[str] = "withdrawal_limit_exceeded"
    sentence: ClassVar[str] = "The amount is above a limit of withdrawals."
    limit: str
    most: Amount
    used: Amount
    requested: Amount


@dataclass(kw_only=True, eq=False)
class TooManyRequests(Refused):
    """The user has asked for as many withdrawals as a UTC day allows."""

    code: ClassVar[str] = "too_many_withdrawals"
    sentence: ClassVar[str] = "There were too many requests for withdrawals today."
    most: int


@dataclass(kw_only=True, eq=False)
class AlreadySent(Refused):
    """A withdrawal is in one file for the bank."""

    code: ClassVar[str] = "withdrawal_already_sent"
    sentence: ClassVar[str] = "The withdrawal is in a file for the bank already."
    file: str


@dataclass(kw_only=True, eq=False)
class NothingToPay(Refused):
    """No approved withdrawal in this asset waits for a file."""

    code: ClassVar[str] = "nothing_to_pay"
    sentence: ClassVar[str] = "No withdrawal in this asset waits to be sent to the bank."
    asset: str


@dataclass(kw_only=True, eq=False)
class OwnerNotActive(Refused):
    """Whoever was suspended meanwhile is not paid before somebody has looked into it."""

    code: ClassVar[str] = "owner_not_active"
    sentence: ClassVar[str] = "The withdrawal's user is not active."
    user: str


@dataclass(kw_only=True, eq=False)
class InvalidNetworkFee(Invalid):
    """A network takes its fee in the coins that it moves."""

    code: ClassVar[str] = "invalid_network_fee"
    sentence: ClassVar[str] = "Only a withdrawal of coins has a network fee, in the same coins."


@dataclass(kw_only=True, eq=False)
class WithdrawalTransitionRefused(Refused):
    """The act cannot follow the withdrawal's status (docs/withdrawals.md)."""

    code: ClassVar[str] = "withdrawal_transition_refused"
    sentence: ClassVar[str] = "The withdrawal's status does not allow this."
    status: Status
    wanted: Status
