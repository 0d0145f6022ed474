"""Users, as administrators and managers see and change them."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from application.users import change_user
from domain.ids import SubjectId, UserId
from domain.users import ActivateUser, Role, SetRoles, Status, SuspendUser
from interfaces.api.ask import Ask, Asked, answer
from interfaces.api.documented import COMMAND, QUERY, problems
from interfaces.api.fields import Body, Id, Shown
from interfaces.api.pages import Cursor, Limit, plain
from interfaces.api.strict_json import StrictRoute
from projections import users

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/admin/users", tags=["users"])


class RolesBody(Body):
    """The roles a user shall have, and no others."""

    roles: Annotated[tuple[Role, ...], Field(min_length=1, max_length=len(Role))]


class ShownUser(Shown):
    """A user; the e-mail is null for an erased person."""

    id: str
    email: str | None
    status: str
    roles: list[str]
    email_verified: bool
    second_factor: bool
    registered_at: datetime
    log_position: int


class UserPage(Shown):
    """A page of users."""

    items: list[ShownUser]
    next_cursor: str | None


class ChangedUser(Shown):
    """A user after a change."""

    id: str
    status: str
    roles: list[str]


@router.get("", operation_id="list_users", response_model=UserPage, responses=problems(*QUERY))
async def list_users(
    ask: Asked, status: Annotated[Status | None, Query()] = None, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """List users in the order of their registration."""
    async with ask.reading(users.NAME) as connection:
        page = await users.list_users(connection, status=status, limit=limit, cursor=cursor)
    return answer({"items": await _with_emails(ask, *page.items), "next_cursor": page.next_cursor}, page.log_position)


@router.get("/{id}", operation_id="get_user", response_model=ShownUser, responses=problems(*QUERY, 404))
async def get_user(id: Annotated[Id, Path()], ask: Asked) -> Response:
    """Return one user."""
    async with ask.reading(users.NAME) as connection:
        found = await users.get_user(connection, id)
    (one,) = await _with_emails(ask, found.value)
    return answer(one, found.log_position)


@router.post(
    "/{id}/activate", operation_id="activate_user", response_model=ChangedUser, responses=problems(*COMMAND, 404)
)
async def activate(id: Annotated[Id, Path()], ask: Asked) -> Response:
    """Let a pending or suspended user act."""
    change = ActivateUser(user=UserId(id), by=ask.caller.user)
    return await ask.keyless().submit(change_user(ask.keyless().envelope(), change), status=HTTPStatus.OK)


@router.post(
    "/{id}/suspend", operation_id="suspend_user", response_model=ChangedUser, responses=problems(*COMMAND, 404)
)
async def suspend(id: Annotated[Id, Path()], ask: Asked) -> Response:
    """Stop a user from doing anything, and end the user's sessions."""
    change = SuspendUser(user=UserId(id), by=ask.caller.user)
    answered = await ask.keyless().submit(change_user(ask.keyless().envelope(), change), status=HTTPStatus.OK)
    await ask.parts.sessions.close_sessions(ask.caller.tenant, SubjectId(id))
    return answered


@router.put("/{id}/roles", operation_id="set_user_roles", response_model=ChangedUser, responses=problems(*COMMAND, 404))
async def set_roles(id: Annotated[Id, Path()], body: RolesBody, ask: Asked) -> Response:
    """Give a user these roles and no others."""
    change = SetRoles(user=UserId(id), roles=body.roles, by=ask.caller.user)
    return await ask.keyless().submit(change_user(ask.keyless().envelope(body), change), status=HTTPStatus.OK)


async def _with_emails(ask: Ask, *found: users.User) -> list[dict[str, Any]]:
    """Join the addresses, which only the vault has."""
    emails = await ask.parts.vault.get_fields(ask.caller.tenant, "email", [SubjectId(one.subject) for one in found])
    shown = []
    for one in found:
        columns = plain(one)
        subject = columns.pop("subject")
        shown.append({**columns, "email": emails.get(subject)})
    return shown
