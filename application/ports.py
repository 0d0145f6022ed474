"""The outside as the rules' runners see it: one Protocol per counterpart, implemented in `interfaces`.

A port is called before an append (what it returned goes into the command) or after one; never inside `decide`.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.holdings import Holdings
from domain.ids import ApiKeyId, DestinationId, SubjectId
from domain.money import Amount
from domain.orders.commands import OrderCommand
from domain.orders.order import Order
from domain.payments import ObjectKind, PaymentFact, ProviderFact, RefundFact


class Clock(Protocol):
    """The time of the world, as far as commands carry it."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""


VenueAnswer = Callable[[Holdings], OrderCommand]
"""What a venue says to an order, given what the connection holds. Only a simulated venue looks at the holdings."""


class Exchange(Protocol):
    """One venue. `repeatable` says that asking twice for the same order has the effect of once."""

    repeatable: bool

    async def submit(self, order: Order) -> VenueAnswer:
        """Send an order under its own id and return the venue's answer. Raises `OutcomeUnknown`."""


class OutcomeUnknown(Exception):
    """The request left us and no answer can be trusted. Unknown is not failed: a query settles it."""


class Vault(Protocol):
    """Personal data and credentials, sealed with a key per subject; events and read models hold subject ids only.

    Everything may be repeated. What is written before an append that then never comes is swept.
    """

    async def create_subject(
        self,
        tenant: str,
        subject: SubjectId,
        *,
        stream: str,
        fields: Mapping[str, str],
        password_hash: str | None = None,
    ) -> bool:
        """Keep a new subject before the append that makes `stream`; say whether it is new.

        A subject that exists, or was erased, is left as it is: a repeated request never overwrites what the first said.
        """

    async def put_field(self, tenant: str, subject: SubjectId, *, field: str, value: str) -> None:
        """Replace one field (`email`, `name`, …). Raises UnknownSubject, also for an erased one."""

    async def get_fields(self, tenant: str, field: str, subjects: Collection[SubjectId]) -> dict[SubjectId, str]:
        """Return one field of many subjects; whoever is unknown, erased or has no such field is left out."""

    async def erase_subject(self, tenant: str, subject: SubjectId) -> None:
        """Forget a person: without the key no copy of the data can be read again. Sessions end."""

    def email_lookup(self, tenant: str, email: str) -> str:
        """Return the keyed hash that names an e-mail address of a tenant: 32 hexadecimal digits, the same for ever."""

    async def find_subject_by_email(self, tenant: str, email: str) -> SubjectId | None:
        """Return the subject with this address whose stream exists, so never one that lost the race for the address."""

    async def set_password_hash(self, tenant: str, subject: SubjectId, password_hash: str) -> None:
        """Replace the password's argon2id hash. Raises UnknownSubject."""

    async def get_password_hash(self, tenant: str, subject: SubjectId) -> str | None:
        """Return the password's argon2id hash, or None for a subject that is unknown, erased or has no password."""

    async def sweep_subjects(self, tenant: str) -> int:
        """Delete subjects whose append never came, an hour after the last attempt; return how many."""


class Destinations(Protocol):
    """Account numbers, keys and addresses of withdrawals, sealed with the key of the person whose they are.

    Particulars are texts by name, as the kind of destination has them. What is written before an append that then
    never comes is swept.
    """

    async def put_destination(
        self, tenant: str, destination: DestinationId, *, owner: SubjectId, stream: str, particulars: Mapping[str, str]
    ) -> None:
        """Keep a destination before the append that makes `stream`; a repetition leaves it as it is.

        Raises UnknownSubject, also for an erased owner.
        """

    async def get_destinations(
        self, tenant: str, destinations: Collection[DestinationId]
    ) -> dict[DestinationId, dict[str, str]]:
        """Return the particulars of many; what is unknown or belongs to an erased person is left out."""

    async def sweep_destinations(self, tenant: str) -> int:
        """Delete destinations whose append never came, an hour after the last attempt; return how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What proves a key, an Ed25519 public key or an HMAC secret; and from which networks it is good, if not all."""

    name: str
    addresses: tuple[str, ...]
    proof: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCredential:
    """A credential, and about when it was used last."""

    credential: Credential
    last_used_at: datetime | None


class ApiKeys(Protocol):
    """Credentials of API keys, sealed with the key of the person whose they are.

    What is written before an append that then never comes is swept.
    """

    async def put_credential(
        self, tenant: str, key: ApiKeyId, *, owner: SubjectId, stream: str, credential: Credential
    ) -> bool:
        """Keep a credential before the append that makes `stream`; say whether it is new: a repetition changes nothing.

        Raises UnknownSubject, also for an erased owner.
        """

    async def get_credentials(self, tenant: str, keys: Collection[ApiKeyId]) -> dict[ApiKeyId, KeptCredential]:
        """Return the credentials of many keys; what is unknown or belongs to an erased person is left out."""

    async def note_use(self, tenant: str, key: ApiKeyId, at: datetime) -> None:
        """Remember that a key was used. It is no fact: it is told to people and decides nothing."""

    async def sweep_credentials(self, tenant: str) -> int:
        """Delete credentials whose append never came, an hour after the last attempt; return how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A login: `token` buys the next access token once and is then replaced. Shown to its owner only."""

    tenant: str
    subject: SubjectId
    family: str
    token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """A login as its owner sees it in a list."""

    family: str
    renewed_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """What access tokens are signed with; `id` goes into their header."""

    id: str
    secret: bytes = field(repr=False)


class Sessions(Protocol):
    """Logins: refresh tokens, the lock after failed attempts, and the key that signs access tokens."""

    async def admit_login(self, tenant: str, email: str, address: str) -> None:
        """Count an attempt as failed before it is looked at, so that parallel attempts cannot pass the limit together.

        Raises LoginLocked when the pair of e-mail and address failed too often.
        """

    async def forgive_logins(self, tenant: str, email: str, address: str) -> None:
        """Forget the pair's attempts: this one succeeded."""

    async def open_session(self, tenant: str, subject: SubjectId) -> Session:
        """Begin a session. Raises UnknownSubject."""

    async def rotate_session(self, token: str) -> Session:
        """Replace a refresh token by the next one. Raises SessionRefused.

        A token that was replaced before ends its whole session, for one of its two holders has stolen it; except
        within seconds, when the answer may have been lost: then the same next token is given again.
        """

    async def close_session(self, token: str) -> None:
        """End the session of a token; a token that is no good is nothing to do."""

    async def list_sessions(self, tenant: str, subject: SubjectId) -> "list[OpenSession]":
        """Return a subject's open sessions, newest first."""

    async def close_sessions(self, tenant: str, subject: SubjectId) -> None:
        """End all sessions of a subject: a suspension, another password."""

    async def token_key(self) -> SigningKey:
        """Return the installation's signing key, made when it is first asked for."""

    async def sweep_sessions(self, tenant: str) -> int:
        """Delete expired sessions and forgotten attempts; return how many."""


@dataclass(kw_only=True, eq=False)
class UnknownSubject(Exception):
    """The vault has no such subject, or has erased it."""

    subject: str


@dataclass(kw_only=True, eq=False)
class LoginLocked(Exception):
    """Too many failed attempts of this e-mail from this address."""

    until: datetime


@dataclass(kw_only=True, eq=False)
class SessionRefused(Exception):
    """The refresh token buys nothing. `reason` (unknown, expired, closed, reused) is for our log, not the caller."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequest:
    """What a provider is asked to collect. `id` is the deposit's, and the provider's idempotency key."""

    tenant: str
    id: str
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """What a provider is asked to give back of a payment. `id` is the refund's, and the idempotency key."""

    tenant: str
    id: str
    payment: str
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderEvent:
    """A verified webhook: which object to look at. `id` is the provider's own and unique there."""

    provider: str
    id: str
    kind: ObjectKind | None
    object: str | None


class Payments(Protocol):
    """A payment provider. Asking again with the same id does the same once; facts are read, never pushed."""

    name: str

    async def create_payment(self, request: PaymentRequest) -> PaymentFact:
        """Ask for a payment. Raises ProviderRefused (final) or ProviderSilent (unknown: settled by a query)."""

    async def create_refund(self, request: RefundRequest) -> RefundFact:
        """Ask for a refund. Raises ProviderRefused (final) or ProviderSilent (unknown: settled by a query)."""

    async def client_secret(self, payment: str) -> str:
        """Fetch what the payer's browser completes the payment with; it is never stored. Raises as above."""

    async def get(self, kind: ObjectKind, object_id: str) -> ProviderFact | None:
        """Return an object as it stands now, None where the provider has none. Raises ProviderSilent."""

    async def find_payment(self, tenant: str, deposit: str) -> PaymentFact | None:
        """Find the payment made under a deposit's id, None if none. Raises ProviderSilent."""

    async def find_refund(self, tenant: str, refund: str, *, payment: str) -> RefundFact | None:
        """Find the refund of a payment made under our refund's id, None if none. Raises ProviderSilent."""

    def verify(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:
        """Check a webhook's signature on its raw body and say what it is about. Raises ForgedWebhook."""


@dataclass(kw_only=True, eq=False)
class ProviderRefused(Exception):
    """The provider said no, finally; `reason` is its machine-readable code."""

    reason: str


class ProviderSilent(Exception):
    """No answer, or none that says what was done: unknown is not failed."""


class ForgedWebhook(Exception):
    """The signature, or its time, is no good."""


class Notary(Protocol):
    """Signs checkpoints with a key that lies outside the database."""

    origin: str
    """Names the log and its key in every checkpoint; no spaces and no plus sign."""

    @property
    def key(self) -> object:
        """The public part of the key; as text it is NAME+ID+BASE64."""

    def sign(self, text: str) -> str:
        """Return the text as a signed note (C2SP signed-note): the text, an empty line, a line with the signature."""


class Nonces(Protocol):
    """What keeps leaves of a tree of liabilities from being guessed; it comes from a key outside log and evidence."""

    def liability_nonce(self, tenant: str, user: str, *, log_position: int) -> bytes:
        """Return the 32 bytes of a user in the tree at a log position: the same whenever they are asked for."""


class Inbox(Protocol):
    """Keeps what providers told us, for disputes with them; nothing is decided from it."""

    async def put_message(self, event: ProviderEvent, body: bytes) -> None:
        """Keep a verified message's body; of one that came before the first is kept."""

    async def get_message(self, provider: str, event: str) -> bytes | None:
        """Return a message's body as it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a person is told. `token` proves who reads it, where the kind needs that."""

    kind: str
    token: str | None = field(default=None, repr=False)


class Notifier(Protocol):
    """Tells people something, by whatever way the installation has."""

    async def notify(self, tenant: str, subject: SubjectId, message: Message) -> None:
        """Put a message on its way. Raises UnknownSubject."""


class Proofs(Protocol):
    """Tokens that prove who holds an address: good once, and for a while."""

    async def make_proof(self, tenant: str, subject: SubjectId, purpose: str, *, expires_at: datetime) -> str:
        """Return a new token; older ones of the purpose are no good any more."""

    async def take_proof(self, tenant: str, token: str, purpose: str) -> SubjectId | None:
        """Use a token up and return whose it is; None where it is unknown, used or too old."""
