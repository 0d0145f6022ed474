"""The kinds of entries that flows post: one for every row of ACCOUNTING's tables that a flow is answerable for.

Nobody posts or reverses such an entry by hand, so that a flow's figures are only ever its own. Rows that people post
(the owner's capital, opening balances) have no kind here.
"""

from collections.abc import Mapping
from types import MappingProxyType

from domain.ledger.entry import REVERSAL

WITHDRAWAL_REQUESTED = "withdrawal_requested"
WITHDRAWAL_APPROVED = "withdrawal_approved"

_FLOWS = {
    REVERSAL: "an entry that negates another",
    "deposit": "a deposit settled, less what its owner owed",
    "provider_fee": "the payment provider's fee",
    "payout_created": "the provider sends our money to the bank",
    "payout_arrived": "the provider's payout is at the bank",
    "client_money_topped_up": "our money covers fees that we bear",
    "earnings_swept": "what we earned leaves the client account",
    "refund_requested": "money held to be refunded",
    "refund_settled": "a refund paid out",
    "refund_failed": "a refund given back to the wallet",
    "chargeback": "a payment taken back, with the dispute's fee",
    "dispute_won": "a chargeback given back: the open part first, the rest to the wallet",
    "dispute_fee_returned": "a dispute's fee given back",
    "receivable_collected": "what somebody owed, taken from the wallet",
    "receivable_written_off": "what somebody owed, given up",
    "credit_loss_allowance": "what will probably not be collected",
    WITHDRAWAL_REQUESTED: "money held to be withdrawn",
    WITHDRAWAL_APPROVED: "a withdrawal to be paid, less tax withheld",
    "withdrawal_paid": "a withdrawal paid out, less our fee",
    "bank_charge": "the bank's charge for a withdrawal that came back",
    "bonus_granted": "a bonus or a coupon",
    "trading_commission": "our commission on profit",
    "affiliate_share": "an affiliate's part of what was collected",
    "affiliate_clawback": "an affiliate's part taken back",
    "commission_converted": "an affiliate's commission made into credit",
    "subscription_paid": "a subscription paid, not yet earned",
    "subscription_earned": "the part of a subscription earned by the day",
    "subscription_upgraded": "the price of a better plan for the days left",
    "subscription_cancelled": "the unearned part given back to the wallet",
    "subscription_refunded": "a subscription paid back in full",
    "revenue_taxed": "tax on our revenue",
    "tax_paid": "a tax paid to the authority",
    "credits_bought": "credits sold, not yet earned",
    "credits_granted": "credits given",
    "credits_used": "credits used for profit made",
    "credits_expired": "credits that ran out, earned as breakage",
    "credits_refunded": "unused credits paid back",
    "transfer": "money from one user to another, in two entries",
    "profit_share": "a follower's payment to a leader, in two entries",
    "exchange": "money of one currency for another",
    "exchange_covered": "our open currency position closed at the bank",
    "provider_exchange": "a provider settled in another currency",
    "receipt_unidentified": "money at the bank whose owner is not known",
    "receipt_identified": "its owner is known",
    "coins_received": "coins taken into custody",
    "coins_traded": "coins in custody bought or sold",
    "closing": "revenue and expenses of a period closed",
    "connection_opened": "what a paper connection starts with",
    "fill": "a fill of an order",
    "fill_corrected": "the difference of a corrected fill",
    "liquidation": "a position closed by the venue",
    "fee": "a venue's fee beside a trade, or a maker's rebate",
    "interest": "interest on borrowed coins",
    "funding": "funding of a perpetual",
    "insurance": "a loss beyond the margin, borne by the venue",
    "position_reassigned": "coins that left a position",
    "position_adopted": "coins that came into a position",
    "dust": "what is left of a position and cannot be traded",
    "break_resolved": "a difference to the venue resolved as not ours",
}

NAMED_BY_PEOPLE = frozenset({"client_money_topped_up", "earnings_swept"})
"""Flows whose entries carry a reference that a person gives: it is claimed once per kind, as those of people's are."""

FLOWS: Mapping[str, str] = MappingProxyType(_FLOWS)
"""Kind → what it says. A manual entry takes any kind that is not in it."""
