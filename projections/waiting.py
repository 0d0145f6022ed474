"""What waits for a payment provider, in all tenants: where the worker looks, never what it decides from."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg_pool import AsyncConnectionPool

from application.policies.waiting import Waits
from application.store import Connection
from domain.payments import ObjectKind
from projections.reading import NotReached, fetch

MOST = 10_000

_WAITING = """
    SELECT tenant, 'payment' AS kind, id, provider, occurred_at AS since FROM read.deposits
    WHERE status IN ('requested', 'pending', 'pending_provider') AND occurred_at <= %(before)s
    UNION ALL
    SELECT tenant, 'refund', id, provider, occurred_at FROM read.refunds
    WHERE status IN ('requested', 'pending', 'pending_provider') AND occurred_at <= %(before)s
    ORDER BY since, id LIMIT %(most)s
"""


class WaitingThere:
    """Finds what waits by the read models; a connection of its pool sees all tenants."""

    def __init__(self, pool: AsyncConnectionPool[Connection]) -> None:
        self._pool = pool

    async def __call__(self, before: datetime) -> Sequence[Waits]:
        """Return what has waited since an instant or longer, longest first; nothing before the models are made."""
        async with self._pool.connection() as connection:
            try:
                return await fetch(connection, _row, _WAITING, {"before": before, "most": MOST})
            except NotReached:
                return ()


def _row(*, kind: str, **columns: Any) -> Waits:
    return Waits(kind=ObjectKind(kind), **columns)
