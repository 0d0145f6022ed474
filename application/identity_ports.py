"""What people prove themselves with beside a password, as the API sees it: second factors, accounts at providers.

Implemented in `interfaces`; nothing of it is a fact of the log but that somebody has it, or no longer has.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol

from domain.ids import SubjectId


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """A secret that one-time codes are made from (RFC 6238). Until it is confirmed nobody is asked for a code."""

    secret: str = field(repr=False)
    is_confirmed: bool


class FactorIsOn(Exception):
    """Somebody has a confirmed second factor already; it is taken off before another comes."""


class SecondFactors(Protocol):
    """One-time codes and backup codes; each step and each code is good once, whichever process is asked."""

    async def begin_factor(self, tenant: str, subject: SubjectId, secret: str) -> None:
        """Keep a secret that is not confirmed yet, in place of another. Raises FactorIsOn, UnknownSubject."""

    async def get_factor(self, tenant: str, subject: SubjectId) -> Factor | None:
        """Return somebody's factor; None for whoever has none or is erased."""

    async def use_step(self, tenant: str, subject: SubjectId, step: int) -> bool:
        """Use a step up; False where it, or a later one, was used before."""

    async def confirm_factor(self, tenant: str, subject: SubjectId, backup_codes: Collection[str]) -> None:
        """Demand the factor from now on. The codes replace all that were given before; only their hashes are kept."""

    async def use_backup_code(self, tenant: str, subject: SubjectId, code: str) -> bool:
        """Use a backup code up; False where it is none, or was used before."""

    async def count_backup_codes(self, tenant: str, subject: SubjectId) -> int:
        """Return how many backup codes are left."""

    async def remove_factor(self, tenant: str, subject: SubjectId) -> None:
        """Forget the factor and its backup codes."""
