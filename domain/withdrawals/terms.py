"""What is in force when a withdrawal is asked for, and the words for where one stands.

Terms are configuration; those that a withdrawal was decided on are part of its fact.
"""

from dataclasses import dataclass
from enum import StrEnum

from domain.ledger.accounts import Bucket
from domain.money import Amount, Rounding

WITHDRAWABLE = (Bucket.REAL, Bucket.COMMISSION)
"""Buckets whose money may leave (ACCOUNTING, chart of accounts)."""
_BPS = 10_000


class Status(StrEnum):
    """Where a withdrawal stands; the last five are final."""

    REQUESTED = "requested"
    APPROVED = "approved"
    PAID = "paid"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    FAILED = "failed"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Fee and limits of withdrawals in one asset; all amounts are of it.

    The fee is inside the amount. `per_day` and `requests_per_day` count requests of a UTC day whatever became of them.
    Above `second_person_above`, where there is one, two people approve. `withholding_bps` is the tax on commission.
    """

    fee: Amount
    minimum: Amount
    per_request: Amount
    per_day: Amount
    requests_per_day: int
    second_person_above: Amount | None
    withholding_bps: int

    def withheld(self, amount: Amount, bucket: Bucket) -> Amount:
        """Return the tax on what leaves a bucket, rounded down: the dust stays with the user."""
        if bucket is not Bucket.COMMISSION:
            return amount.asset.amount(0)
        return amount.times(self.withholding_bps, over=_BPS, rounding=Rounding.DOWN)

    def needs_second_person(self, amount: Amount) -> bool:
        """Tell whether one person is not enough to approve an amount."""
        return self.second_person_above is not None and amount > self.second_person_above
