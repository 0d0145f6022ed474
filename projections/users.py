"""Users of a tenant: subject, status, roles. Names and addresses are the vault's, joined by whoever may see them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from application.log import Recorded
from application.store import Connection
from domain.users import (
    Role,
    Status,
    UnknownUser,
    UserActivated,
    UserEmailVerified,
    UserRegistered,
    UserRolesChanged,
    UserSecondFactorConfirmed,
    UserSecondFactorRemoved,
    UserSuspended,
)
from projections.changes import Change, Put
from projections.paging import FIRST, page_of, read_cursor
from projections.reading import Answer, Page, fetch, log_position, where

NAME = "users"
UserEvent = (
    UserRegistered
    | UserEmailVerified
    | UserActivated
    | UserSuspended
    | UserRolesChanged
    | UserSecondFactorConfirmed
    | UserSecondFactorRemoved
)
HANDLES = (
    UserRegistered,
    UserEmailVerified,
    UserActivated,
    UserSuspended,
    UserRolesChanged,
    UserSecondFactorConfirmed,
    UserSecondFactorRemoved,
)


def apply(recorded: Recorded, event: UserEvent) -> Iterator[Change]:
    """Begin a user, or change status or roles."""
    key = {"tenant": recorded.tenant, "id": event.user}
    match event:
        case UserRegistered(subject=subject, roles=roles, status=status):
            yield Put(
                "users",
                key,
                {
                    "subject": subject,
                    "status": status.value,
                    "roles": [role.value for role in roles],
                    "email_verified": False,
                    "second_factor": False,
                    "log_position": recorded.log_position,
                    "registered_at": recorded.recorded_at,
                },
            )
        case UserEmailVerified():
            yield Put("users", key, {"email_verified": True})
        case UserActivated():
            yield Put("users", key, {"status": Status.ACTIVE.value})
        case UserSuspended():
            yield Put("users", key, {"status": Status.SUSPENDED.value})
        case UserRolesChanged(roles=roles):
            yield Put("users", key, {"roles": [role.value for role in roles]})
        case UserSecondFactorConfirmed():
            yield Put("users", key, {"second_factor": True})
        case UserSecondFactorRemoved():
            yield Put("users", key, {"second_factor": False})
        case _:
            assert_never(event)


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user as administrators see it; `subject` finds the person in the vault."""

    id: str
    subject: str
    status: Status
    roles: tuple[Role, ...]
    email_verified: bool
    second_factor: bool
    registered_at: datetime
    log_position: int


_COLUMNS = "id, subject, status, roles, email_verified, second_factor, registered_at, log_position"
_ONE = f"SELECT {_COLUMNS} FROM read.users WHERE id = %(id)s"
_LIST = "SELECT {columns} FROM read.users WHERE {conditions} ORDER BY log_position LIMIT %(limit)s"
_CONDITIONS = {"after": "log_position > %(after)s", "status": "status = %(status)s"}


async def get_user(connection: Connection, user: str) -> Answer[User]:
    """Return one user. Raises `UnknownUser`."""
    position = await log_position(connection, NAME)
    found = await fetch(connection, _row, _ONE, {"id": user})
    if not found:
        raise UnknownUser(user=user)
    return Answer(found[0], position)


async def list_users(
    connection: Connection, *, status: Status | None = None, limit: int, cursor: str | None = None
) -> Page[User]:
    """List users in the order of their registration."""
    (after,) = read_cursor(cursor, FIRST)
    position = await log_position(connection, NAME)
    wanted = {"after": after, "status": status and status.value}
    query = _LIST.format(columns=_COLUMNS, conditions=where(_CONDITIONS, wanted))
    found = await fetch(connection, _row, query, {**wanted, "limit": limit + 1})
    return page_of(found, limit=limit, log_position=position, cursor_of=lambda user: (user.log_position,))


def _row(*, status: str, roles: list[str], **columns: Any) -> User:
    return User(status=Status(status), roles=tuple(Role(role) for role in roles), **columns)
