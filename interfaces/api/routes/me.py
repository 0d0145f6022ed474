"""The caller's own account."""

from fastapi import APIRouter, Response

from application import streams
from domain.users import require_active
from interfaces.api.ask import Asked, answer
from interfaces.api.documented import QUERY, problems
from interfaces.api.fields import Shown
from interfaces.api.strict_json import StrictRoute

router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["me"])


class Me(Shown):
    """Who the token speaks for, as the log has it now."""

    id: str
    tenant: str
    email: str | None
    status: str
    roles: list[str]


@router.get("/me", operation_id="get_me", response_model=Me, responses=problems(*QUERY, 404))
async def get_me(ask: Asked) -> Response:
    """Return the caller: id, e-mail, status and roles."""
    tenant, user = ask.caller.tenant, ask.caller.user
    state = require_active((await ask.parts.committer.state(streams.user(tenant, user))).state, user)
    emails = await ask.parts.vault.get_fields(tenant, "email", [state.subject])
    roles = [role.value for role in state.roles]
    me = {"id": user, "tenant": tenant, "email": emails.get(state.subject), "status": state.status.value}
    return answer({**me, "roles": roles}, ask.parts.committer.head)
