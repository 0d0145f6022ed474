"""People: registering, proving an address, a new password, and the sessions one has.

What is asked for an address is answered the same whether it is known or not: only its owner learns it, by a message.
"""

import uuid
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field
from pydantic_core import to_json

from application import streams
from application.ports import Message
from application.users import verify_email
from domain.ids import SubjectId, UserId
from domain.users import EmailTaken, User
from interfaces.api.ask import COUNTED, JSON, Asked, answer
from interfaces.api.credentials import prove_own_password
from interfaces.api.documented import QUERY, problems
from interfaces.api.endings import end_sessions
from interfaces.api.fields import Body, Shown
from interfaces.api.parts import Parts
from interfaces.api.problems import Problem
from interfaces.api.routes.sessions import DEFAULT_TENANT
from interfaces.api.strangers import Newcomer, first_status, open_tenant, public_envelope, register_person
from interfaces.api.strict_json import StrictRoute

router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["people"])

VERIFY, RESET, IN_USE = "verify_email", "reset_password", "address_in_use"
PROOF_LIVES = timedelta(hours=1)
_ERRORS = problems(400, 403, 413, 415, 422, 429, 500, 503)

TenantName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{1,31}$")]
Email = Annotated[str, Field(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$", examples=["ana@example.org"])]
Password = Annotated[str, Field(min_length=8, max_length=1024, repr=False, examples=["a long pass phrase"])]
Token = Annotated[str, Field(min_length=1, max_length=128, repr=False, examples=["Rk9v…"])]


class Register(Body):
    """Who registers, and where."""

    tenant: TenantName = DEFAULT_TENANT
    email: Email
    password: Password
    name: Annotated[str, Field(min_length=1, max_length=200, examples=["Ana"])] | None = None


class Registered(Shown):
    """A user's id and status."""

    id: str
    status: str


class Forgot(Body):
    """Whose password is forgotten."""

    tenant: TenantName = DEFAULT_TENANT
    email: Email


class Proof(Body):
    """What a message to the address held."""

    tenant: TenantName = DEFAULT_TENANT
    token: Token


class NewPassword(Proof):
    """A proof, and the password from now on."""

    password: Password


class ChangedPassword(Body):
    """The password so far, and from now on."""

    current: Annotated[str, Field(min_length=1, max_length=1024, repr=False, examples=["a long pass phrase"])]
    password: Password


class ShownSession(Shown):
    """A login: when it began or was last renewed, and when it ends by itself."""

    id: str
    renewed_at: datetime
    expires_at: datetime


class Sessions(Shown):
    """The sessions that are open."""

    sessions: list[ShownSession]


@router.post(
    "/auth/register",
    operation_id="register",
    dependencies=COUNTED,
    status_code=HTTPStatus.CREATED,
    response_model=Registered,
    responses=_ERRORS,
)
async def register(body: Register, request: Request) -> Response:
    """Register a trader where strangers may. An address that is in use is told so, and nobody else."""
    parts: Parts = request.app.state.parts
    tenant = await open_tenant(parts, body.tenant)
    hashed = await parts.passwords.hash(body.password)
    newcomer = Newcomer(email=body.email, name=body.name, password_hash=hashed)
    done = await register_person(request, tenant, newcomer)
    if not done.refused:
        await _send_proof(parts, body.tenant, SubjectId(newcomer.user), VERIFY)
    elif done.receipt.answer["code"] == EmailTaken.code:
        await _tell_owner(parts, body.tenant, body.email, IN_USE)
    else:
        done.accepted()
    shown = {"id": newcomer.user, "status": first_status(tenant).value}
    return Response(to_json(shown), status_code=HTTPStatus.CREATED, media_type=JSON)


@router.post(
    "/auth/verify",
    operation_id="verify_email",
    dependencies=COUNTED,
    status_code=HTTPStatus.NO_CONTENT,
    responses=_ERRORS,
)
async def verify(body: Proof, request: Request) -> Response:
    """Prove the address that a message was sent to."""
    parts: Parts = request.app.state.parts
    await _verify(request, body.tenant, await _taken(parts, body, VERIFY))
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post(
    "/auth/password/forgot",
    operation_id="forgot_password",
    dependencies=COUNTED,
    status_code=HTTPStatus.NO_CONTENT,
    responses=_ERRORS,
)
async def forgot(body: Forgot, request: Request) -> Response:
    """Send a proof for a new password to the address, if somebody has it."""
    await _tell_owner(request.app.state.parts, body.tenant, body.email, RESET)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post(
    "/auth/password/reset",
    operation_id="reset_password",
    dependencies=COUNTED,
    status_code=HTTPStatus.NO_CONTENT,
    responses=_ERRORS,
)
async def reset(body: NewPassword, request: Request) -> Response:
    """Set a new password with a proof, which proves the address as well; all sessions end."""
    parts: Parts = request.app.state.parts
    hashed = await parts.passwords.hash(body.password)
    subject = await _taken(parts, body, RESET)
    await parts.vault.set_password_hash(body.tenant, subject, hashed)
    await end_sessions(parts, public_envelope(request, body.tenant, uuid.uuid4().hex), subject)
    await _verify(request, body.tenant, subject)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post(
    "/me/password", operation_id="change_password", status_code=HTTPStatus.NO_CONTENT,
    responses=problems(400, 401, 403, 413, 415, 422, 429, 500, 503),
)  # fmt: skip
async def change(body: ChangedPassword, ask: Asked) -> Response:
    """Change the own password, with the one so far; all sessions end, and every token from before."""
    parts, tenant, subject = ask.parts, ask.caller.tenant, SubjectId(ask.caller.user)
    await prove_own_password(ask, body.current)
    await parts.vault.set_password_hash(tenant, subject, await parts.passwords.hash(body.password))
    await end_sessions(parts, ask.fresh().envelope(), subject)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/me/sessions", operation_id="list_sessions", response_model=Sessions, responses=problems(*QUERY))
async def list_sessions(ask: Asked) -> Response:
    """List the caller's open sessions, newest first."""
    found = await ask.parts.sessions.list_sessions(ask.caller.tenant, SubjectId(ask.caller.user))
    shown = [{"id": one.family, "renewed_at": one.renewed_at, "expires_at": one.expires_at} for one in found]
    return answer({"sessions": shown}, ask.parts.committer.head)


@router.delete(
    "/me/sessions", operation_id="close_sessions", status_code=HTTPStatus.NO_CONTENT,
    responses=problems(*QUERY),
)  # fmt: skip
async def close_sessions(ask: Asked) -> Response:
    """Log out everywhere: refresh tokens end, and access tokens with them, this one included."""
    await end_sessions(ask.parts, ask.fresh().envelope(), SubjectId(ask.caller.user))
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def _verify(request: Request, tenant: str, subject: SubjectId) -> None:
    """Append that somebody holds the address: a message to it was read."""
    parts: Parts = request.app.state.parts
    envelope = public_envelope(request, tenant, subject)
    (await parts.committer.submit(verify_email(envelope, UserId(subject)))).accepted()


async def _taken(parts: Parts, body: Proof, purpose: str) -> SubjectId:
    subject = await parts.proofs.take_proof(body.tenant, body.token, purpose)
    if subject is None:
        raise Problem(HTTPStatus.FORBIDDEN, "proof_refused", "The token is unknown, used, or too old.")
    return subject


async def _tell_owner(parts: Parts, tenant: str, email: str, kind: str) -> None:
    """Tell whoever has an address; nobody where nobody has it."""
    subject = await parts.vault.find_subject_by_email(tenant, email)
    if subject is None:
        return
    user = (await parts.committer.state(streams.user(tenant, subject))).state
    if isinstance(user, User) and kind == RESET:
        await _send_proof(parts, tenant, subject, RESET)
    elif isinstance(user, User):
        await parts.notifier.notify(tenant, subject, Message(kind=kind))


async def _send_proof(parts: Parts, tenant: str, subject: SubjectId, purpose: str) -> None:
    expires_at = parts.clock.now() + PROOF_LIVES
    token = await parts.proofs.make_proof(tenant, subject, purpose, expires_at=expires_at)
    await parts.notifier.notify(tenant, subject, Message(kind=purpose, token=token))
