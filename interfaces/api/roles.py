"""Who may do what: the table of roles by operation, the narrowest choice that still lets everybody do their work.

Every route is in it (a test looks), docs/roles.md is generated from it, and `ask.py` enforces it.
"""

from collections.abc import Mapping

from domain.api_keys import ROLES as ROLES_OF_SCOPES
from domain.proposals import ROLES as ROLES_OF_ACTS
from domain.proposals import WithdrawalApproval
from domain.users import Role
from interfaces.api.deprecated import ALIASES
from interfaces.api.scopes import FOR_MACHINES, SCOPES

PUBLIC: frozenset[Role] | None = None
"""No token is asked for."""

EVERYBODY = frozenset(Role) - {Role.API_ONLY}
_LEDGER_READERS = frozenset({Role.FINANCE, Role.AUDITOR})
_LEDGER_WRITERS = frozenset({Role.FINANCE})
_OWN_READERS = frozenset({Role.TRADER, Role.AFFILIATE, Role.VIEWER})
_TRADERS = frozenset({Role.TRADER})
_EARNERS = frozenset({Role.TRADER, Role.AFFILIATE})
_APPROVERS = ROLES_OF_ACTS[WithdrawalApproval]
_PAYERS = frozenset({Role.OPERATOR, Role.FINANCE})
_SECOND_PEOPLE = frozenset[Role]().union(*ROLES_OF_ACTS.values())
_FUNDING_READERS = _PAYERS | {Role.AUDITOR}
_USER_READERS = frozenset({Role.ADMIN, Role.MANAGER, Role.AUDITOR})
_USER_CHANGERS = frozenset({Role.ADMIN, Role.MANAGER})
_ADMINS = frozenset({Role.ADMIN})
_AUDITORS = frozenset({Role.AUDITOR})
_MACHINES = frozenset({Role.API_ONLY})
_KEY_HOLDERS = frozenset[Role]().union(*ROLES_OF_SCOPES.values()) - _MACHINES | _ADMINS

_PEOPLE: Mapping[str, frozenset[Role] | None] = {
    "login": PUBLIC,
    "refresh": PUBLIC,
    "start_provider_login": PUBLIC,
    "finish_provider_login": PUBLIC,
    "logout": EVERYBODY,
    "step_up": EVERYBODY,
    "register": PUBLIC,
    "verify_email": PUBLIC,
    "forgot_password": PUBLIC,
    "reset_password": PUBLIC,
    "change_password": EVERYBODY,
    "get_second_factor": EVERYBODY,
    "confirm_second_factor": EVERYBODY,
    "enrol_second_factor": EVERYBODY,
    "renew_backup_codes": EVERYBODY,
    "remove_second_factor": EVERYBODY,
    "list_identities": EVERYBODY,
    "unlink_identity": EVERYBODY,
    "list_sessions": EVERYBODY,
    "close_sessions": EVERYBODY,
    "get_me": EVERYBODY,
    "list_assets": EVERYBODY,
    "post_entry": _LEDGER_WRITERS,
    "post_entries": _LEDGER_WRITERS,
    "reverse_entry": _LEDGER_WRITERS,
    "list_entries": _LEDGER_READERS,
    "get_entry": _LEDGER_READERS,
    "list_accounts": _LEDGER_READERS,
    "get_account_balances": _LEDGER_READERS,
    "get_account_statement": _LEDGER_READERS,
    "get_trial_balance": _LEDGER_READERS,
    "get_finance_balance_sheet": _LEDGER_READERS,
    "get_finance_income": _LEDGER_READERS,
    "get_finance_trial_balance": _LEDGER_READERS,
    "get_finance_cash_flow": _LEDGER_READERS,
    "get_finance_ledger": _LEDGER_READERS,
    "get_finance_build": _LEDGER_READERS,
    "list_own_balances": _OWN_READERS,
    "list_own_transactions": _OWN_READERS,
    "get_own_statement": _OWN_READERS,
    "get_own_statement_as_csv": _OWN_READERS,
    "get_liability_proof": _OWN_READERS,
    "open_connection": _TRADERS,
    "list_connections": _OWN_READERS | {Role.AUDITOR},
    "place_order": _TRADERS,
    "list_orders": _OWN_READERS | {Role.AUDITOR},
    "get_order": _OWN_READERS | {Role.AUDITOR},
    "list_fills": _OWN_READERS | {Role.AUDITOR},
    "list_positions": _OWN_READERS | {Role.AUDITOR},
    "add_destination": _EARNERS,
    "list_destinations": _OWN_READERS,
    "remove_destination": _EARNERS,
    "request_withdrawal": _EARNERS,
    "list_withdrawals": _OWN_READERS | {Role.AUDITOR},
    "get_withdrawal": _OWN_READERS | {Role.AUDITOR},
    "cancel_withdrawal": _EARNERS,
    "list_withdrawal_queue": _APPROVERS | _PAYERS | {Role.AUDITOR},
    "make_payout_file": _PAYERS,
    "list_payout_files": _PAYERS | {Role.AUDITOR},
    "get_payout_file": _PAYERS,
    "approve_withdrawal": _APPROVERS,
    "reject_withdrawal": _APPROVERS,
    "pay_withdrawal": _PAYERS,
    "fail_withdrawal": _PAYERS,
    "return_withdrawal": _PAYERS,
    "list_proposals": _SECOND_PEOPLE | {Role.AUDITOR},
    "approve_proposal": _SECOND_PEOPLE,
    "reject_proposal": _SECOND_PEOPLE,
    "ask_for_quote": _TRADERS | {Role.AFFILIATE},
    "accept_quote": _TRADERS | {Role.AFFILIATE},
    "list_quotes": _OWN_READERS | {Role.AUDITOR},
    "record_rate": _LEDGER_WRITERS,
    "cover_exchange": _LEDGER_WRITERS,
    "make_transfer": _TRADERS | {Role.AFFILIATE},
    "list_transfers": _OWN_READERS | {Role.AUDITOR},
    "request_deposit": _TRADERS,
    "list_deposits": _OWN_READERS | {Role.AUDITOR},
    "get_deposit": _OWN_READERS | {Role.AUDITOR},
    "request_refund": _PAYERS,
    "list_refunds": _OWN_READERS | _FUNDING_READERS,
    "get_refund": _OWN_READERS | _FUNDING_READERS,
    "list_all_deposits": _FUNDING_READERS,
    "get_any_deposit": _FUNDING_READERS,
    "list_disputes": _FUNDING_READERS,
    "list_payouts": _FUNDING_READERS,
    "record_receipt": _LEDGER_WRITERS,
    "list_receipts": _FUNDING_READERS,
    "identify_receipt": _LEDGER_WRITERS,
    "top_up_client_money": _LEDGER_WRITERS,
    "sweep_earnings": _LEDGER_WRITERS,
    "write_off": _LEDGER_WRITERS,
    "recover_write_off": _LEDGER_WRITERS,
    "set_allowance": _LEDGER_WRITERS,
    "create_api_key": _KEY_HOLDERS,
    "list_api_keys": _KEY_HOLDERS,
    "rotate_api_key": _KEY_HOLDERS,
    "revoke_api_key": _KEY_HOLDERS,
    "list_users": _USER_READERS,
    "get_user": _USER_READERS,
    "activate_user": _USER_CHANGERS,
    "suspend_user": _USER_CHANGERS,
    "set_user_roles": _ADMINS,
    "explain": _AUDITORS,
    "list_events": _AUDITORS,
    "get_event": _AUDITORS,
    "list_checkpoints": _AUDITORS,
    "ask_verification": _AUDITORS,
    "list_verifications": _AUDITORS,
    "get_verification": _AUDITORS,
    "reset_second_factor": _ADMINS,
    "list_generations": _ADMINS,
    "ask_upkeep": _ADMINS,
    "get_upkeep": _ADMINS,
    "follow_upkeep": _ADMINS,
    "receive_webhook": PUBLIC,
    "health_live": PUBLIC,
    "health_ready": PUBLIC,
    "metrics": PUBLIC,
    "docs": PUBLIC,
}

_OPERATIONS = {
    name: allowed | _MACHINES if allowed is not None and name in FOR_MACHINES else allowed
    for name, allowed in _PEOPLE.items()
}

ROLES: Mapping[str, frozenset[Role] | None] = {
    **_OPERATIONS,
    **{name: _OPERATIONS[alias.operation] for name, alias in ALIASES.items()},
}
"""The table: people's operations, those of machines (scopes.py), and the deprecated names of operations."""

SEES_ALL = frozenset({Role.AUDITOR})
"""Roles that see the orders, fills, positions and connections of the whole tenant; others see their own."""


SEES_ALL_FUNDING = _FUNDING_READERS
"""Roles that see the refunds of the whole tenant; others see their own."""


def as_markdown() -> str:
    """Return the table as docs/roles.md shows it."""
    columns = list(Role)
    lines = [
        "# Roles",
        "",
        "Who may call which operation, generated from `interfaces/api/roles.py`. Operations marked *public* take no",
        "token: login and refresh are the way to one, and `/metrics` answers loopback or a bearer token of its own.",
        "Whoever may read orders, fills, positions and connections sees their own; the auditor sees the tenant's.",
        "`api_only` has no login: it acts with API keys (api-keys.md). With a key somebody does what the role and the",
        "scope of the key allow, both; an operation without a scope is for people only.",
        "",
        "| operation | " + " | ".join(role.value for role in columns) + " | scope of a key |",
        "|---|" + "---|" * (len(columns) + 1),
    ]
    for operation, allowed in ROLES.items():
        marks = ["*public*" if allowed is None else "yes" if role in allowed else "" for role in columns]
        scope = SCOPES[operation].value if operation in SCOPES else ""
        lines.append(f"| `{operation}` | " + " | ".join([*marks, scope]) + " |")
    return "\n".join([*lines, ""])
