"""How many requests somebody may send in a quarter of an hour, by role; strangers are counted by their address.

Each process counts for itself, in memory: with several API processes a limit is about so many times as wide. Finance
and the webhooks of providers are not counted, nor are health, metrics and the documentation.
"""

import time
from http import HTTPStatus

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from domain.users import Role
from interfaces.api.problems import Problem
from interfaces.api.tokens import Caller
from interfaces.settings import Settings

WINDOW_MINUTES = 15
_UNCOUNTED = frozenset({Role.FINANCE})


class Limits:
    """Counts requests of callers and of addresses; a limit of 0 is none."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._strangers = _limit(settings.limit_anonymous)
        self._users = _limit(settings.limit_users)
        self._admins = _limit(settings.limit_admins)

    def admit(self, caller: Caller) -> None:
        """Count a request of somebody with a token. Raises a `Problem` with status 429."""
        if caller.roles & _UNCOUNTED:
            return
        limit = self._admins if Role.ADMIN in caller.roles else self._users
        self._count(limit, caller.tenant, caller.user)

    def admit_stranger(self, address: str) -> None:
        """Count a request of somebody without a token. Raises a `Problem` with status 429."""
        self._count(self._strangers, "stranger", address)

    def _count(self, limit: RateLimitItem | None, *who: str) -> None:
        if limit is None or self._limiter.hit(limit, *who):
            return
        ends_at = self._limiter.get_window_stats(limit, *who).reset_time
        raise Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "too_many_requests",
            f"No more than {limit.amount} requests in {WINDOW_MINUTES} minutes: try again later.",
            headers={"Retry-After": str(max(1, int(ends_at - time.time()) + 1))},
        )


def _limit(amount: int) -> RateLimitItem | None:
    return RateLimitItemPerMinute(amount, WINDOW_MINUTES) if amount else None
