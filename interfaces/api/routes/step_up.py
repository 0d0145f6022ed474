"""The step-up: a fresh proof of who somebody is buys a token for what a stolen one must not do."""

from datetime import timedelta
from typing import Annotated, Self

from fastapi import APIRouter, Response
from pydantic import Field, model_validator
from pydantic_core import to_json

from domain.ids import UserId
from interfaces.api.ask import JSON, Asked
from interfaces.api.credentials import FactorCode, prove_again
from interfaces.api.documented import problems
from interfaces.api.fields import Body, Shown
from interfaces.api.routes.sessions import active_user
from interfaces.api.strict_json import StrictRoute

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/auth", tags=["sessions"])


OwnPassword = Annotated[str, Field(min_length=1, max_length=1024, examples=["a long pass phrase"])]


class StepUp(Body):
    """A one-time code or a backup code of whoever has a second factor; the password of anybody else."""

    password: Annotated[OwnPassword | None, Field(repr=False)] = None
    code: Annotated[FactorCode | None, Field(repr=False)] = None

    @model_validator(mode="after")
    def _proves_something(self) -> Self:
        if (self.password is None) == (self.code is None):
            raise ValueError("give either the password or a code")
        return self


class SteppedUpToken(Shown):
    """A new access token; until `step_up_expires_in` seconds from now it stands for the proof."""

    access_token: str
    expires_in: int
    step_up_expires_in: int


@router.post(
    "/step-up", operation_id="step_up", response_model=SteppedUpToken,
    responses=problems(400, 401, 403, 413, 415, 422, 429, 500, 503),
)  # fmt: skip
async def step_up(body: StepUp, ask: Asked) -> Response:
    """Prove again who one is. Five failures in 15 minutes lock the proof, as they lock a login."""
    parts, caller = ask.parts, ask.caller
    await prove_again(ask, password=body.password, code=body.code)
    user = await active_user(parts, caller.tenant, caller.user)
    stands = min(timedelta(seconds=parts.settings.step_up_s), parts.tokens.life)
    token = parts.tokens.sign(
        tenant=caller.tenant, user=UserId(user.user), roles=frozenset(user.roles), stepped_up_for=stands
    )
    said = {
        "access_token": token,
        "expires_in": int(parts.tokens.life.total_seconds()),
        "step_up_expires_in": int(stands.total_seconds()),
    }
    return Response(to_json(said), media_type=JSON)
