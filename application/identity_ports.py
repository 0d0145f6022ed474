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


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who somebody is at a provider. `email` is an address that the provider has verified, None where it has none."""

    id: str = field(repr=False)
    email: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pledge:
    """What only we know of a login under way: the verifier of its code (RFC 7636) and the nonce of its answer."""

    verifier: str = field(repr=False)
    nonce: str = field(repr=False)


class IdentityRefused(Exception):
    """The provider, or what it signed, says no: the code, the signature, the audience or the nonce is no good."""


class ProviderAway(Exception):
    """The provider could not be asked, or answered with an error of its own."""


class IdentityProvider(Protocol):
    """Somebody who says who a person is (OAuth 2.0 authorization code with PKCE)."""

    async def authorization_url(self, state: str, pledge: Pledge) -> str:
        """Return where a browser is sent. Raises ProviderAway."""

    async def identify(self, code: str, pledge: Pledge) -> Identity:
        """Exchange a code for who it is. Raises IdentityRefused, ProviderAway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderLogin:
    """A login under way. `state` comes back from the provider, `flow` stays with the browser that began."""

    tenant: str
    provider: str
    state: str = field(repr=False)
    flow: str = field(repr=False)
    pledge: Pledge
    subject: SubjectId | None = None
    """Who it is, once the provider has said so."""


class Identities(Protocol):
    """Accounts at providers that log somebody in, and logins there that are under way."""

    async def find_identity(self, tenant: str, provider: str, id: str) -> SubjectId | None:
        """Return whose account at a provider it is."""

    async def link_identity(self, tenant: str, provider: str, *, id: str, subject: SubjectId) -> None:
        """Let an account at a provider log somebody in; one that does so already is left as it is."""

    async def list_providers(self, tenant: str, subject: SubjectId) -> list[str]:
        """Return at which providers somebody has accounts that log in here."""

    async def unlink_identities(self, tenant: str, provider: str, subject: SubjectId) -> None:
        """Let no account of somebody at a provider log in any more."""

    async def begin_login(self, tenant: str, provider: str) -> ProviderLogin:
        """Begin a login, which is good for ten minutes."""

    async def take_login(self, provider: str, *, state: str, flow: str) -> ProviderLogin | None:
        """Return a login, once before the provider has said who it is, and then until it ends; None for any other."""

    async def prove_login(self, login: ProviderLogin, subject: SubjectId) -> None:
        """Keep who the provider says it is."""

    async def end_login(self, login: ProviderLogin) -> bool:
        """End a login: True for the one who may open a session for it."""
