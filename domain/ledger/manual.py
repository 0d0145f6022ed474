"""What a manual entry may do: entries that people post, as opposed to those that a flow posts (CONTRACT, Books).

Manual entries stay away from accounts and kinds that belong to a flow, so that a flow's figures are only ever its own.
"""

from dataclasses import dataclass
from typing import ClassVar

from domain.errors import Invalid
from domain.ids import is_id
from domain.ledger.accounts import Manual, describe
from domain.ledger.entry import REVERSAL, JournalEntry

MAX_POSTINGS = 200

FLOW_KINDS = frozenset(
    {
        REVERSAL, "closing", "opening", "deposit", "provider_fee", "payout", "payout_arrived",
        "refund_requested", "refund_settled", "refund_failed", "chargeback", "dispute_won",
        "dispute_fee_returned", "receivable_collected", "write_off", "allowance", "withdrawal_requested",
        "withdrawal_approved", "withdrawal_paid", "withdrawal_returned", "bank_charge", "bonus_granted",
        "trading_commission", "affiliate_share", "affiliate_clawback", "commission_converted",
        "subscription_paid", "subscription_earned", "subscription_changed", "subscription_cancelled",
        "subscription_refunded", "tax_on_revenue", "credits_bought", "credits_granted", "credits_used",
        "credits_expired", "credits_refunded", "transfer", "profit_share", "exchange", "exchange_cover",
        "provider_exchange", "receipt_identified", "custody_trade", "connection_opened", "fill", "interest",
        "funding", "position_reassigned", "position_adopted", "dust", "liquidation", "break_resolved",
        "fill_corrected",
    }
)  # fmt: skip
"""Kinds that flows post. A manual entry takes any other."""


@dataclass(kw_only=True, eq=False)
class AccountReserved(Invalid):
    """The account belongs to a flow."""

    code: ClassVar[str] = "account_reserved"
    sentence: ClassVar[str] = "Only its own flow may post to this account."
    account: str


@dataclass(kw_only=True, eq=False)
class KindReserved(Invalid):
    """The kind belongs to a flow."""

    code: ClassVar[str] = "kind_reserved"
    sentence: ClassVar[str] = "This kind of entry is posted by a flow."
    kind: str


@dataclass(kw_only=True, eq=False)
class ReferenceReserved(Invalid):
    """A reference in the form of an id is an entry's own, and given by default only."""

    code: ClassVar[str] = "reference_reserved"
    sentence: ClassVar[str] = "A reference of 32 hexadecimal digits is reserved for entries' own ids."
    reference: str


@dataclass(kw_only=True, eq=False)
class TooManyPostings(Invalid):
    """A manual entry has a bounded size."""

    code: ClassVar[str] = "too_many_postings"
    sentence: ClassVar[str] = "The entry has too many postings."
    postings: int
    most: int = MAX_POSTINGS


def check_manual(entry: JournalEntry) -> None:
    """Refuse a manual entry that touches what belongs to a flow. The request alone shows it."""
    if entry.kind in FLOW_KINDS:
        raise KindReserved(kind=entry.kind, at=("kind",))
    if entry.reference != entry.id and is_id(entry.reference):
        raise ReferenceReserved(reference=entry.reference, at=("reference",))
    if len(entry.postings) > MAX_POSTINGS:
        raise TooManyPostings(postings=len(entry.postings), at=("postings",))
    for line, posting in enumerate(entry.postings):
        if describe(posting.account).manual is Manual.RESERVED:
            raise AccountReserved(account=posting.account, at=("postings", line, "account"))
