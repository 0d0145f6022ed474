"""Users: registration, status and roles. A user is a subject id and nothing personal: names live in the vault.

A user's e-mail address is unique through a claim (see claims.py), named by a keyed hash.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar, assert_never

from domain.errors import Forbidden, Invalid, NotFound, Refused
from domain.ids import SubjectId, UserId


class Status(StrEnum):
    """Whether a user may do anything."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


class Role(StrEnum):
    """What a user may do inside one tenant; no role spans tenants."""

    ADMIN = "admin"
    MANAGER = "manager"
    OPERATOR = "operator"
    FINANCE = "finance"
    AUDITOR = "auditor"
    AFFILIATE = "affiliate"
    TRADER = "trader"
    VIEWER = "viewer"
    API_ONLY = "api_only"


@dataclass(kw_only=True, eq=False)
class UnknownUser(NotFound):
    """There is no such user in this tenant."""

    code: ClassVar[str] = "unknown_user"
    sentence: ClassVar[str] = "There is no such user."
    user: str


@dataclass(kw_only=True, eq=False)
class UserExists(Refused):
    """The user is registered already."""

    code: ClassVar[str] = "user_exists"
    sentence: ClassVar[str] = "The user is registered already."
    user: str


@dataclass(kw_only=True, eq=False)
class EmailTaken(Refused):
    """The e-mail address belongs to another user of this tenant."""

    code: ClassVar[str] = "email_taken"
    sentence: ClassVar[str] = "The e-mail address is taken."


@dataclass(kw_only=True, eq=False)
class NoRoles(Invalid):
    """A user has at least one role."""

    code: ClassVar[str] = "no_roles"
    sentence: ClassVar[str] = "A user has at least one role."


@dataclass(kw_only=True, eq=False)
class OwnAccount(Forbidden):
    """Nobody changes their own status or roles."""

    code: ClassVar[str] = "own_account"
    sentence: ClassVar[str] = "Nobody changes their own status or roles."
    user: str


@dataclass(kw_only=True, eq=False)
class NotActive(Forbidden):
    """Only an active user may do anything."""

    code: ClassVar[str] = "user_not_active"
    sentence: ClassVar[str] = "The user is not active."
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterUser:
    """Register a user for a subject of the vault."""

    user: UserId
    subject: SubjectId
    roles: tuple[Role, ...]
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivateUser:
    """Make a pending or suspended user active."""

    user: UserId
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendUser:
    """Stop a user from doing anything."""

    user: UserId
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRoles:
    """Give a user these roles and no others."""

    user: UserId
    roles: tuple[Role, ...]
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRegistered:
    """A user exists."""

    user: UserId
    subject: SubjectId
    roles: tuple[Role, ...]
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class UserActivated:
    """A user may act."""

    user: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSuspended:
    """A user may no longer act."""

    user: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRolesChanged:
    """A user has other roles."""

    user: UserId
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyEmail:
    """Say that a user holds the address; the proof was checked."""

    user: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEmailVerified:
    """A user has proven to hold the address."""

    user: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmSecondFactor:
    """Say that a user's logins need a one-time code; a first one was checked."""

    user: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveSecondFactor:
    """Say that a user has taken the second factor off."""

    user: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetSecondFactor:
    """Take off a second factor that somebody else has lost, and end that person's sessions."""

    user: UserId
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSessions:
    """Let no token of before count any more."""

    user: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkIdentity:
    """Say that an account at a provider logs a user in; the provider was asked."""

    user: UserId
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlinkIdentity:
    """Say that no account at a provider logs a user in any more."""

    user: UserId
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSecondFactorConfirmed:
    """A user's logins need a one-time code."""

    user: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSecondFactorRemoved:
    """A user's logins need no one-time code any more; who did it is the actor."""

    user: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSessionsEnded:
    """No token from before counts any more."""

    user: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class UserIdentityLinked:
    """An account at a provider logs a user in; which one it is, is the vault's."""

    user: UserId
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserIdentityUnlinked:
    """No account at a provider logs a user in any more."""

    user: UserId
    provider: str


OwnChange = ConfirmSecondFactor | RemoveSecondFactor | EndSessions | LinkIdentity | UnlinkIdentity
Command = RegisterUser | VerifyEmail | ActivateUser | SuspendUser | SetRoles | ResetSecondFactor | OwnChange
FactorEvent = UserSecondFactorConfirmed | UserSecondFactorRemoved
LoginEvent = UserSessionsEnded | UserIdentityLinked | UserIdentityUnlinked | FactorEvent
Event = UserRegistered | UserEmailVerified | UserActivated | UserSuspended | UserRolesChanged | LoginEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class NoUser:
    """The id is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user of one tenant."""

    user: UserId
    subject: SubjectId
    roles: tuple[Role, ...]
    status: Status
    email_verified: bool = False
    second_factor: bool = False


State = NoUser | User
INITIAL: State = NoUser()


def decide(state: State, command: Command) -> tuple[Event, ...]:
    """Register a user, or change the status or roles of one; what is so already is nothing to do.

    Whether the actor has the role for it is decided by the route; that nobody does it to themselves is decided here.
    """
    match command:
        case RegisterUser():
            return _register(state, command)
        case VerifyEmail():
            user = _registered(state, command.user)
            return () if user.email_verified else (UserEmailVerified(user=user.user),)
        case ActivateUser():
            user = _somebody_else(state, command.user, command.by)
            return () if user.status is Status.ACTIVE else (UserActivated(user=user.user),)
        case SuspendUser():
            user = _somebody_else(state, command.user, command.by)
            return () if user.status is Status.SUSPENDED else (UserSuspended(user=user.user),)
        case SetRoles():
            roles = _ordered(command.roles)
            user = _somebody_else(state, command.user, command.by)
            return () if roles == user.roles else (UserRolesChanged(user=user.user, roles=roles),)
        case ConfirmSecondFactor():
            user = _registered(state, command.user)
            return () if user.second_factor else (UserSecondFactorConfirmed(user=user.user),)
        case RemoveSecondFactor():
            user = _registered(state, command.user)
            return (UserSecondFactorRemoved(user=user.user),) if user.second_factor else ()
        case ResetSecondFactor():
            user = _somebody_else(state, command.user, command.by)
            ended = (UserSecondFactorRemoved(user=user.user), UserSessionsEnded(user=user.user))
            return ended if user.second_factor else ()
        case EndSessions():
            return (UserSessionsEnded(user=_registered(state, command.user).user),)
        case LinkIdentity():
            return (UserIdentityLinked(user=_registered(state, command.user).user, provider=command.provider),)
        case UnlinkIdentity():
            return (UserIdentityUnlinked(user=_registered(state, command.user).user, provider=command.provider),)
        case _:
            assert_never(command)


def evolve(state: State, event: Event) -> State:
    """Take over what is true now."""
    match event:
        case UserRegistered():
            return User(user=event.user, subject=event.subject, roles=event.roles, status=event.status)
        case UserEmailVerified():
            return replace(_known(state), email_verified=True)
        case UserActivated():
            return replace(_known(state), status=Status.ACTIVE)
        case UserSuspended():
            return replace(_known(state), status=Status.SUSPENDED)
        case UserRolesChanged():
            return replace(_known(state), roles=event.roles)
        case UserSecondFactorConfirmed():
            return replace(_known(state), second_factor=True)
        case UserSecondFactorRemoved():
            return replace(_known(state), second_factor=False)
        case UserSessionsEnded() | UserIdentityLinked() | UserIdentityUnlinked():
            return _known(state)
        case _:
            assert_never(event)


def require_active(state: State, user: str) -> User:
    """Return a user who may act. Raises `UnknownUser` or `NotActive`."""
    match state:
        case NoUser():
            raise UnknownUser(user=user)
        case User(status=status):
            if status is not Status.ACTIVE:
                raise NotActive(status=status)
            return state
        case _:
            assert_never(state)


def _register(state: State, command: RegisterUser) -> tuple[Event, ...]:
    assert command.status is not Status.SUSPENDED, "nobody begins suspended"
    roles = _ordered(command.roles)
    if isinstance(state, User):
        raise UserExists(user=command.user)
    return (UserRegistered(user=command.user, subject=command.subject, roles=roles, status=command.status),)


def _somebody_else(state: State, user: UserId, by: str) -> User:
    found = _registered(state, user)
    if by == user:
        raise OwnAccount(user=user)
    return found


def _registered(state: State, user: UserId) -> User:
    if isinstance(state, NoUser):
        raise UnknownUser(user=user)
    return state


def _ordered(roles: Iterable[Role]) -> tuple[Role, ...]:
    wanted = set(roles)
    if not wanted:
        raise NoRoles(at=("roles",))
    return tuple(role for role in Role if role in wanted)


def _known(state: State) -> User:
    assert isinstance(state, User), "a log never changes a user before registering one"
    return state
