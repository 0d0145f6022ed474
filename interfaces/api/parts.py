"""What the routes need, wired once by bootstrap.py."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from application.assets import Assets
from application.committer import Committer
from application.identity_ports import Identities, IdentityProvider, SecondFactors
from application.ports import ApiKeys, Clock, Destinations, Inbox, Nonces, Notifier, Payments, Proofs, Sessions, Vault
from application.standing import Standing
from application.store import Store
from interfaces.api.limits import Limits
from interfaces.api.passwords import Passwords
from interfaces.api.tokens import Tokens
from interfaces.postgres.connections import Pool
from interfaces.settings import Settings
from projections.watch import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of one API process. All of its connections are of the application's role."""

    settings: Settings
    clock: Clock
    store: Store
    committer: Committer
    assets: Assets
    vault: Vault
    destinations: Destinations
    api_keys: ApiKeys
    inbox: Inbox
    notifier: Notifier
    proofs: Proofs
    sessions: Sessions
    factors: SecondFactors
    identities: Identities
    tokens: Tokens
    nonces: Nonces
    standing: Standing
    limits: Limits
    passwords: Passwords
    queries: Pool
    watch: Watch
    identity_providers: Mapping[str, IdentityProvider] = field(default_factory=dict)
    payments: Mapping[str, Payments] = field(default_factory=dict)
