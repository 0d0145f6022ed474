"""API keys: what a program may do in a user's name. What proves a key (a public key, a secret) is only in the vault.

A key never changes: other scopes are another key, and a rotation makes a successor beside which it lives on for a
while. That whoever makes one has just proven who they are is decided before a command comes.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, assert_never

from domain.errors import Forbidden, Invalid, NotFound, Refused
from domain.ids import ApiKeyId, UserId
from domain.users import Role

LONGEST_OVERLAP = timedelta(days=7)


class Kind(StrEnum):
    """How requests are signed: with a private key that only the client has, or with a secret that the vault has too."""

    ED25519 = "ed25519"
    HMAC = "hmac"


class Scope(StrEnum):
    """What a key may do, within what its user's roles may."""

    READ = "read"
    TRADE = "trade"
    LEDGER = "ledger"
    WITHDRAW = "withdraw"


ROLES: Mapping[Scope, frozenset[Role]] = {
    Scope.READ: frozenset({Role.TRADER, Role.AFFILIATE, Role.VIEWER, Role.AUDITOR, Role.FINANCE, Role.API_ONLY}),
    Scope.TRADE: frozenset({Role.TRADER, Role.AFFILIATE, Role.API_ONLY}),
    Scope.LEDGER: frozenset({Role.FINANCE, Role.AUDITOR, Role.API_ONLY}),
    Scope.WITHDRAW: frozenset({Role.TRADER, Role.AFFILIATE}),
}
"""Roles to which a scope is of any use. Money never leaves by the hand of a user whom nobody can ask for a proof."""


@dataclass(kw_only=True, eq=False)
class UnknownApiKey(NotFound):
    """The key was never made, or belongs to somebody else, which nobody is told."""

    code: ClassVar[str] = "unknown_api_key"
    sentence: ClassVar[str] = "There is no such API key."


@dataclass(kw_only=True, eq=False)
class ApiKeyExists(Refused):
    """The key was made already."""

    code: ClassVar[str] = "api_key_exists"
    sentence: ClassVar[str] = "The API key was made already."
    key: str


@dataclass(kw_only=True, eq=False)
class ApiKeyEnded(Refused):
    """A key that was revoked, or has a successor, has no further one."""

    code: ClassVar[str] = "api_key_ended"
    sentence: ClassVar[str] = "The API key was revoked or has a successor."
    successor: str | None


@dataclass(kw_only=True, eq=False)
class NoScopes(Invalid):
    """A key has at least one scope."""

    code: ClassVar[str] = "no_scopes"
    sentence: ClassVar[str] = "An API key has at least one scope."


@dataclass(kw_only=True, eq=False)
class AddressesNeeded(Invalid):
    """A key that may withdraw is good from listed addresses only."""

    code: ClassVar[str] = "addresses_needed"
    sentence: ClassVar[str] = "A key with the scope withdraw needs the addresses it is used from."


@dataclass(kw_only=True, eq=False)
class OverlapTooLong(Invalid):
    """A key does not live on for ever beside its successor."""

    code: ClassVar[str] = "overlap_too_long"
    sentence: ClassVar[str] = "A key lives on beside its successor for a week at most."
    overlap_s: int
    most_s: int


@dataclass(kw_only=True, eq=False)
class ScopeNotForRoles(Refused):
    """The user's roles have no use for the scope, and shall not come to have it by a later change of roles."""

    code: ClassVar[str] = "scope_not_for_roles"
    sentence: ClassVar[str] = "The user's roles have no use for this scope."
    scope: Scope


@dataclass(kw_only=True, eq=False)
class NotTheirs(Forbidden):
    """People make their own keys; only for a user who cannot log in somebody else does."""

    code: ClassVar[str] = "not_their_key"
    sentence: ClassVar[str] = "Only the keys of api_only users are made by somebody else."


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateKey:
    """Make a key whose credential is in the vault already. `roles` are its user's at that moment."""

    key: ApiKeyId
    user: UserId
    kind: Kind
    scopes: tuple[Scope, ...]
    by: str
    roles: tuple[Role, ...]
    has_addresses: bool
    occurred_at: datetime
    replaces: ApiKeyId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateKey:
    """Give a key a successor, beside which it is good for a while."""

    successor: ApiKeyId
    overlap: timedelta
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeKey:
    """End a key at once."""

    by: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyCreated:
    """A program may act for a user within scopes."""

    key: ApiKeyId
    user: UserId
    kind: Kind
    scopes: tuple[Scope, ...]
    by: str
    has_addresses: bool
    replaces: ApiKeyId | None
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyRotated:
    """A key has a successor and ends by itself."""

    key: ApiKeyId
    successor: ApiKeyId
    usable_until: datetime
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyRevoked:
    """A key is good for nothing any more."""

    key: ApiKeyId
    by: str
    occurred_at: datetime


Command = CreateKey | RotateKey | RevokeKey
Event = ApiKeyCreated | ApiKeyRotated | ApiKeyRevoked


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key, whose it is and who made it. `usable_until` is where its successor stands alone."""

    key: ApiKeyId
    user: UserId
    kind: Kind
    scopes: tuple[Scope, ...]
    by: str
    successor: ApiKeyId | None = None
    usable_until: datetime | None = None
    revoked: bool = False


State = ApiKey | None
INITIAL: State = None


def decide(state: State, command: Command) -> tuple[Event, ...]:
    """Make a key, give it a successor, or end it; one that is revoked is nothing to revoke.

    Whose keys somebody may rotate and revoke is decided where the key is found.
    """
    match command:
        case CreateKey():
            return _create(state, command)
        case RotateKey(successor=successor, occurred_at=at):
            key = _known(state)
            if key.revoked or key.successor is not None:
                raise ApiKeyEnded(successor=key.successor)
            until = at + _within_limits(command.overlap)
            return (ApiKeyRotated(key=key.key, successor=successor, usable_until=until, occurred_at=at),)
        case RevokeKey(by=by, occurred_at=at):
            key = _known(state)
            return () if key.revoked else (ApiKeyRevoked(key=key.key, by=by, occurred_at=at),)
        case _:
            assert_never(command)


def evolve(state: State, event: Event) -> State:
    """Take over what is true now."""
    match event:
        case ApiKeyCreated():
            return ApiKey(key=event.key, user=event.user, kind=event.kind, scopes=event.scopes, by=event.by)
        case ApiKeyRotated():
            return replace(_known(state), successor=event.successor, usable_until=event.usable_until)
        case ApiKeyRevoked():
            return replace(_known(state), revoked=True)
        case _:
            assert_never(event)


def is_usable(key: ApiKey, at: datetime) -> bool:
    """Tell whether requests that are signed with a key count at a moment."""
    return not key.revoked and (key.usable_until is None or at < key.usable_until)


def is_machine(roles: Collection[Role]) -> bool:
    """Tell whether a user is a program: nobody can log in as one, so somebody else makes its keys."""
    return set(roles) == {Role.API_ONLY}


def roles_of(key: ApiKey, roles: Collection[Role]) -> frozenset[Role]:
    """Return with which of its user's present roles a key acts.

    The role api_only says that scopes alone decide, so it counts where somebody else has chosen the scopes: neither a
    person who is given that role besides, nor a key that people made for themselves, gains anything by it.
    """
    if is_machine(roles):
        return frozenset(roles) if key.by != key.user else frozenset()
    return frozenset(roles) - {Role.API_ONLY}


def _create(state: State, command: CreateKey) -> tuple[Event, ...]:
    if state is not None:
        raise ApiKeyExists(key=state.key)
    scopes = _ordered(command.scopes)
    if Scope.WITHDRAW in scopes and not command.has_addresses:
        raise AddressesNeeded(at=("addresses",))
    if (command.by != command.user) is not is_machine(command.roles):
        raise NotTheirs
    for scope in scopes:
        if not ROLES[scope] & _counting(command.roles):
            raise ScopeNotForRoles(scope=scope)
    return (
        ApiKeyCreated(
            key=command.key,
            user=command.user,
            kind=command.kind,
            scopes=scopes,
            by=command.by,
            has_addresses=command.has_addresses,
            replaces=command.replaces,
            occurred_at=command.occurred_at,
        ),
    )


def _counting(roles: Collection[Role]) -> frozenset[Role]:
    return frozenset(roles) if is_machine(roles) else frozenset(roles) - {Role.API_ONLY}


def _ordered(scopes: Iterable[Scope]) -> tuple[Scope, ...]:
    wanted = set(scopes)
    if not wanted:
        raise NoScopes(at=("scopes",))
    return tuple(scope for scope in Scope if scope in wanted)


def _within_limits(overlap: timedelta) -> timedelta:
    assert overlap >= timedelta(), "a key does not end before it is rotated"
    if overlap > LONGEST_OVERLAP:
        raise OverlapTooLong(
            at=("overlap_s",),
            overlap_s=overlap // timedelta(seconds=1),
            most_s=LONGEST_OVERLAP // timedelta(seconds=1),
        )
    return overlap


def _known(state: State) -> ApiKey:
    if state is None:
        raise UnknownApiKey
    return state
