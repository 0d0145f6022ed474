"""Who may make a request, decided from its headers and its route alone, before a byte of its body is read.

Reading a body costs up to 8 MiB of it and parsing; nobody without a good token, the right role and requests left makes
us do that. A request is admitted once: strict_json.py does it before the body, routes without a body when they ask.
"""

from http import HTTPStatus

from fastapi import Request
from fastapi.security.utils import get_authorization_scheme_param

from interfaces.api.parts import Parts
from interfaces.api.problems import Problem
from interfaces.api.roles import ROLES
from interfaces.api.tokens import Caller, refused


def admit(request: Request) -> Caller:
    """Return who makes a request whose route asks for a token. Raises a `Problem` with status 401, 403 or 429."""
    if not hasattr(request.state, "caller"):
        request.state.caller = _admitted(request)
    caller: Caller = request.state.caller
    return caller


def _admitted(request: Request) -> Caller:
    parts: Parts = request.app.state.parts
    scheme, token = get_authorization_scheme_param(request.headers.get("Authorization"))
    if scheme.lower() != "bearer" or not token:
        raise refused()
    caller = parts.tokens.read(token)
    if parts.standing.has_fallen(caller.tenant, caller.user, issued_at=caller.issued_at):
        raise refused()
    parts.limits.admit(caller)
    allowed = ROLES[request.scope["route"].operation_id]
    assert allowed is not None, "a public route asks nobody"
    if not caller.roles & allowed:
        raise Problem(HTTPStatus.FORBIDDEN, "role_not_allowed", "Your roles do not allow this.")
    return caller


def count_stranger(request: Request) -> None:
    """Count a request to a public route by its address, once. Raises a `Problem` with status 429."""
    if hasattr(request.state, "counted"):
        return
    request.state.counted = True
    parts: Parts = request.app.state.parts
    parts.limits.admit_stranger(request.client.host if request.client else "unknown")
