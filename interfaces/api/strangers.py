"""What somebody does before there is a token: the envelope of their commands, and how they become users."""

import uuid
from dataclasses import dataclass, field
from http import HTTPStatus

from fastapi import Request

from application import streams
from application.commands import Done, Envelope
from application.ids import derive, namespace
from application.users import register_user
from domain.ids import SubjectId, UserId
from domain.tenants import Tenant
from domain.users import RegisterUser, Role, Status
from interfaces.api.parts import Parts
from interfaces.api.problems import Problem

_PEOPLE = namespace("people")


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """Who registers: with a password's hash, or with an address that somebody else has verified."""

    user: str = field(default_factory=lambda: uuid.uuid4().hex)
    email: str = field(repr=False)
    name: str | None = field(default=None, repr=False)
    password_hash: str | None = field(default=None, repr=False)
    email_verified: bool = False


def public_envelope(request: Request, tenant: str, about: str) -> Envelope:
    """Return the envelope of an act before there is a token; its answer holds nothing but an id.

    The same act on the same thing is one command, however often it is sent.
    """
    parts: Parts = request.app.state.parts
    command_id = derive(_PEOPLE, request.scope["route"].operation_id, tenant, about)
    return Envelope(
        tenant=tenant,
        actor="public",
        command_id=command_id,
        key=command_id,
        input_hash=command_id * 2,
        correlation_id=request.state.request_id,
        now=parts.clock.now(),
    )


async def open_tenant(parts: Parts, name: str) -> Tenant:
    """Return a tenant where strangers may register. Raises a `Problem` with status 403."""
    tenant = (await parts.committer.state(streams.tenant(name))).state
    if not isinstance(tenant, Tenant) or not _is_open(parts, tenant):
        raise Problem(HTTPStatus.FORBIDDEN, "registration_closed", "Nobody can register here.")
    return tenant


def first_status(tenant: Tenant) -> Status:
    """Return what a newcomer of a tenant is."""
    return Status.ACTIVE if tenant.auto_approve else Status.PENDING


async def register_person(request: Request, tenant: Tenant, newcomer: Newcomer) -> Done:
    """Keep a newcomer in the vault and register a trader. A refusal says that the address is somebody else's."""
    parts: Parts = request.app.state.parts
    name, user = tenant.name, newcomer.user
    fields = {"email": newcomer.email, **({} if newcomer.name is None else {"name": newcomer.name})}
    await parts.vault.create_subject(
        name,
        SubjectId(user),
        stream=streams.user(name, user),
        fields=fields,
        password_hash=newcomer.password_hash,
    )
    wanted = RegisterUser(user=UserId(user), subject=SubjectId(user), roles=(Role.TRADER,), status=first_status(tenant))
    command = register_user(
        public_envelope(request, name, user),
        wanted,
        email_hmac=parts.vault.email_lookup(name, newcomer.email),
        is_verified=newcomer.email_verified,
    )
    return await parts.committer.submit(command)


def _is_open(parts: Parts, tenant: Tenant) -> bool:
    setting = parts.settings.open_registration
    return tenant.open_registration if setting is None else setting
