"""Paths of the first specification: other names of the same operations, to be given up.

An alias runs the handler of its operation under its roles and scopes, and shares its idempotency: a request that is
repeated under the new path is the same request.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

SINCE = datetime(2026, 11, 28, tzinfo=UTC)
_V1 = "/api/v1"


@dataclass(frozen=True, slots=True)
class Alias:
    """A path, and the operation that it is another name of."""

    path: str
    operation: str


ALIASES: Mapping[str, Alias] = {
    "financial_deposit": Alias(f"{_V1}/financial/deposit", "request_deposit"),
    "financial_withdraw": Alias(f"{_V1}/financial/withdraw", "request_withdrawal"),
    "financial_balance": Alias(f"{_V1}/financial/balance", "list_own_balances"),
    "financial_transactions": Alias(f"{_V1}/financial/transactions", "list_own_transactions"),
    "list_pending_withdrawals": Alias(f"{_V1}/admin/withdrawals/pending", "list_withdrawal_queue"),
}


def operation_of(name: str) -> str:
    """Return the operation that a name stands for: itself, or what it is an alias of."""
    alias = ALIASES.get(name)
    return name if alias is None else alias.operation


def headers(successor: str) -> Iterator[tuple[str, str]]:
    """Say in an answer that its path is deprecated (RFC 9745), and which one is to be used."""
    yield "Deprecation", f"@{int(SINCE.timestamp())}"
    yield "Link", f'<{successor}>; rel="successor-version"'
