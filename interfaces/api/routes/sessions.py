"""Sessions: login, refresh, logout. Their answers are never stored; a refresh token is shown to its owner only."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field
from pydantic_core import to_json

from application import streams
from application.ports import Session
from domain.ids import UserId
from domain.users import NotActive, Role, Status, User
from interfaces.api.ask import COUNTED, JSON, Asked
from interfaces.api.credentials import Claim, FactorCode, address_of, prove_password, require_factor
from interfaces.api.documented import problems
from interfaces.api.fields import Body, Shown
from interfaces.api.parts import Parts
from interfaces.api.strict_json import StrictRoute

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/auth", tags=["sessions"])

DEFAULT_TENANT = "main"
_ERRORS = problems(400, 401, 403, 413, 415, 422, 429, 500, 503)


class Login(Body):
    """Who logs in; the tenant is `main` unless it is named. `code` is for whoever has a second factor."""

    tenant: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{1,31}$")] = DEFAULT_TENANT
    email: Annotated[str, Field(min_length=3, max_length=254, examples=["ana@example.org"])]
    password: Annotated[str, Field(min_length=1, max_length=1024, repr=False, examples=["a long pass phrase"])]
    code: Annotated[FactorCode | None, Field(repr=False)] = None


class Refresh(Body):
    """A refresh token; it is good once."""

    refresh_token: Annotated[str, Field(min_length=1, max_length=512, repr=False, examples=["main.0b9d…"])]


class LoggedIn(Shown):
    """An access token for a few minutes, and a refresh token for the next one."""

    access_token: str
    expires_in: int
    refresh_token: str


@router.post("/login", dependencies=COUNTED, operation_id="login", response_model=LoggedIn, responses=_ERRORS)
async def login(body: Login, request: Request) -> Response:
    """Exchange e-mail and password for tokens. Five failures in 15 minutes lock the pair of e-mail and address.

    Whoever has a second factor gives a code as well: without it, and with the right password, the answer is 401
    `second_factor_required`. Five wrong codes lock the factor, wherever they came from.
    """
    parts: Parts = request.app.state.parts
    claim = Claim(tenant=body.tenant, email=body.email, password=body.password, address=address_of(request))
    subject = await prove_password(parts, claim)
    await require_factor(parts, body.tenant, subject, code=body.code)
    user = await active_user(parts, body.tenant, subject)
    return tokens(parts, user, await parts.sessions.open_session(body.tenant, subject))


@router.post("/refresh", dependencies=COUNTED, operation_id="refresh", response_model=LoggedIn, responses=_ERRORS)
async def refresh(body: Refresh, request: Request) -> Response:
    """Exchange a refresh token for new tokens. Using one twice ends its session, for somebody has stolen it."""
    parts: Parts = request.app.state.parts
    session = await parts.sessions.rotate_session(body.refresh_token)
    return tokens(parts, await active_user(parts, session.tenant, session.subject), session)


@router.post("/logout", operation_id="logout", status_code=HTTPStatus.NO_CONTENT, responses=_ERRORS)
async def logout(body: Refresh, ask: Asked) -> Response:
    """End the session of a refresh token. Ending one that is over is nothing to do."""
    await ask.parts.sessions.close_session(body.refresh_token)
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def active_user(parts: Parts, tenant: str, user: str) -> User:
    """Return the user as the log has it now; who is not active gets no token. Raises `NotActive`."""
    state = (await parts.committer.state(streams.user(tenant, user))).state
    assert isinstance(state, User), "a subject that is found has a user"
    if state.status is not Status.ACTIVE or set(state.roles) == {Role.API_ONLY}:
        raise NotActive(status=state.status)
    return state


def tokens(parts: Parts, user: User, session: Session) -> Response:
    """Return the answer of a login: an access token of now, and the session's refresh token."""
    access = parts.tokens.sign(tenant=session.tenant, user=UserId(user.user), roles=frozenset(user.roles))
    body = {
        "access_token": access,
        "expires_in": int(parts.tokens.life.total_seconds()),
        "refresh_token": session.token,
    }
    return Response(to_json(body), media_type=JSON)
