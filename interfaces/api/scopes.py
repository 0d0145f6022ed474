"""What may be done with an API key: the table of scopes by operation. What is not in it, only a person may do.

A key does what its scope and its user's roles allow, both: roles.py is asked first. Approving, paying and proposing
are in no scope, so that one person with a token and a key is still one person.
"""

from collections.abc import Mapping

from domain.api_keys import Scope
from interfaces.api.deprecated import ALIASES

_READ = (
    "get_me", "list_assets", "list_own_balances", "list_own_transactions", "get_own_statement",
    "get_own_statement_as_csv", "get_liability_proof", "list_connections", "list_orders",
    "get_order", "list_fills", "list_positions", "list_destinations", "list_withdrawals", "get_withdrawal",
    "list_quotes", "list_transfers", "list_deposits", "get_deposit", "list_refunds", "get_refund",
)  # fmt: skip
_TRADE = ("open_connection", "place_order", "request_deposit", "ask_for_quote", "accept_quote")
_LEDGER = (
    "post_entry", "post_entries", "reverse_entry", "list_entries", "get_entry", "list_accounts",
    "get_account_balances", "get_account_statement", "get_trial_balance", "record_rate", "record_receipt",
)  # fmt: skip
_WITHDRAW = ("request_withdrawal", "cancel_withdrawal", "make_transfer")

_BY_OPERATION: Mapping[str, Scope] = {
    **dict.fromkeys(_READ, Scope.READ),
    **dict.fromkeys(_TRADE, Scope.TRADE),
    **dict.fromkeys(_LEDGER, Scope.LEDGER),
    **dict.fromkeys(_WITHDRAW, Scope.WITHDRAW),
}

FOR_MACHINES = frozenset({
    "get_me", "list_assets", "list_own_balances", "list_own_transactions", "get_own_statement",
    "get_own_statement_as_csv", "list_connections", "list_orders", "get_order", "list_fills", "list_positions",
    "list_quotes", "open_connection", "place_order", "ask_for_quote", "accept_quote", "post_entry", "post_entries",
    "reverse_entry", "list_entries", "get_entry", "list_accounts", "get_account_balances", "get_account_statement",
    "get_trial_balance",
})  # fmt: skip
"""What a user may do whose only role is api_only: no money comes in or leaves by it, and no bank's line is booked."""

SCOPES: Mapping[str, Scope] = {
    **_BY_OPERATION,
    **{name: _BY_OPERATION[alias.operation] for name, alias in ALIASES.items() if alias.operation in _BY_OPERATION},
}
"""The table, with the deprecated names of operations."""
