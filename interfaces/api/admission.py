"""Who may make a request, decided from its headers and its route alone, before a byte of its body is read.

Reading a body costs up to 8 MiB of it and parsing; nobody without a good token, the right role and requests left makes
us do that. A request is admitted once: strict_json.py does it before the body, routes without a body when they ask.
"""

from dataclasses import replace
from http import HTTPStatus

from fastapi import Request
from fastapi.security.utils import get_authorization_scheme_param

from domain.users import Role
from interfaces.api.parts import Parts
from interfaces.api.problems import Problem
from interfaces.api.roles import ROLES
from interfaces.api.scopes import SCOPES
from interfaces.api.signed import address_of, is_signed, signer
from interfaces.api.tokens import Caller, refused


async def admit(request: Request) -> Caller:
    """Return who makes a request whose route asks for it. Raises a `Problem` with status 401, 403 or 429."""
    if not hasattr(request.state, "caller"):
        request.state.caller = await _admitted(request)
    caller: Caller = request.state.caller
    return caller


async def _admitted(request: Request) -> Caller:
    parts: Parts = request.app.state.parts
    caller = await signer(parts, request) if is_signed(request) else _bearer(parts, request)
    parts.limits.admit(caller)
    operation = request.scope["route"].operation_id
    allowed = ROLES[operation]
    assert allowed is not None, "a public route asks nobody"
    if not caller.roles & allowed:
        raise Problem(HTTPStatus.FORBIDDEN, "role_not_allowed", "Your roles do not allow this.")
    if caller.key is not None and SCOPES.get(operation) not in caller.scopes:
        raise Problem(HTTPStatus.FORBIDDEN, "scope_not_allowed", "The scopes of the API key do not allow this.")
    return caller


def _bearer(parts: Parts, request: Request) -> Caller:
    """Return whom an access token speaks for. The role api_only counts with a key only: nobody logs in with it."""
    scheme, token = get_authorization_scheme_param(request.headers.get("Authorization"))
    if scheme.lower() != "bearer" or not token:
        raise refused()
    caller = parts.tokens.read(token)
    if parts.standing.has_fallen(caller.tenant, caller.user, issued_at=caller.issued_at):
        raise refused()
    return replace(caller, roles=caller.roles - {Role.API_ONLY}) if Role.API_ONLY in caller.roles else caller


def count_stranger(request: Request) -> None:
    """Count a request to a public route by its address, once. Raises a `Problem` with status 429."""
    if hasattr(request.state, "counted"):
        return
    request.state.counted = True
    parts: Parts = request.app.state.parts
    parts.limits.admit_stranger(address_of(request))


async def count_webhook(request: Request) -> None:
    """Count a provider's message by its address. Raises a `Problem` with status 429.

    A coroutine, for anything else would be handed to a thread, which costs more than the counting.
    """
    parts: Parts = request.app.state.parts
    parts.limits.admit_webhook(address_of(request))
