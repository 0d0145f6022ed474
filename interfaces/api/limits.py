"""How many requests somebody may send in a quarter of an hour, by role; strangers are counted by their address.

Each process counts for itself, in memory: with several API processes a limit is about so many times as wide. Finance,
API keys and the webhooks of providers have no limit unless one is set; health, metrics and the documentation none.
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


class Limits:
    """Counts requests of callers and of addresses; a limit of 0 is none."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._strangers = _limit(settings.limit_anonymous)
        self._users = _limit(settings.limit_users)
        self._admins = _limit(settings.limit_admins)
        self._finance = _limit(settings.limit_finance)
        self._keys = _limit(settings.limit_api_keys)
        self._webhooks = _limit(settings.limit_webhooks)

    def admit(self, caller: Caller) -> None:
        """Count a request of somebody with a token, or of a key. Raises a `Problem` with status 429."""
        if caller.key is not None:
            self._count(self._keys, "key", caller.tenant, caller.key)
        elif Role.FINANCE in caller.roles:
            self._count(self._finance, caller.tenant, caller.user)
        else:
            self._count(self._admins if Role.ADMIN in caller.roles else self._users, caller.tenant, caller.user)

    def admit_stranger(self, address: str) -> None:
        """Count a request of somebody without a token. Raises a `Problem` with status 429."""
        self._count(self._strangers, "stranger", address)

    def admit_webhook(self, address: str) -> None:
        """Count a message of a provider, forged or not. Raises a `Problem` with status 429."""
        self._count(self._webhooks, "webhook", address)

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
