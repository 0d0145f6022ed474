"""Kinds of ids, so that a user's id is never passed for an order's: 32 lower-case hexadecimal digits each.

Ids are made outside the domain; here they are only told apart and, where a name has a rule, checked.
"""

import re
from typing import NewType

UserId = NewType("UserId", str)
SubjectId = NewType("SubjectId", str)
EntryId = NewType("EntryId", str)
ConnectionId = NewType("ConnectionId", str)
OrderId = NewType("OrderId", str)
DestinationId = NewType("DestinationId", str)
WithdrawalId = NewType("WithdrawalId", str)
ProposalId = NewType("ProposalId", str)
PayoutFileId = NewType("PayoutFileId", str)
DepositId = NewType("DepositId", str)
RefundId = NewType("RefundId", str)
DisputeId = NewType("DisputeId", str)
PayoutId = NewType("PayoutId", str)
ReceiptId = NewType("ReceiptId", str)
QuoteId = NewType("QuoteId", str)
WriteOffId = NewType("WriteOffId", str)
TransferId = NewType("TransferId", str)
ApiKeyId = NewType("ApiKeyId", str)
Tenant = NewType("Tenant", str)
AccountPath = NewType("AccountPath", str)

_ID = re.compile(r"[0-9a-f]{32}")


def is_id(text: str) -> bool:
    """Tell whether a text has the form of an id."""
    return _ID.fullmatch(text) is not None
