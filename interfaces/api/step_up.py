"""Step-up: acts that a stolen access token must not do are for a token that was given for a fresh proof.

A route takes `SteppedUp` in place of `Asked`. The proof is `POST /auth/step-up`; it answers with a new token, so that
whoever stole the one before gains nothing. A caller without a token of a session, as by an API key, has no such proof.
"""

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends

from interfaces.api.ask import Ask, Asked
from interfaces.api.problems import Problem

STEP_UP_REQUIRED = "step_up_required"


def stepped_up(ask: Asked) -> Ask:
    """Admit a request whose token stands for a fresh proof. Raises a `Problem` with status 403: no receipt is left."""
    if ask.caller.stepped_up_until <= ask.parts.clock.now().timestamp():
        raise Problem(
            HTTPStatus.FORBIDDEN,
            STEP_UP_REQUIRED,
            "Prove again that it is you (POST /api/v1/auth/step-up), then repeat.",
        )
    return ask


SteppedUp = Annotated[Ask, Depends(stepped_up)]
