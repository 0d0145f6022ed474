"""Messages of payment providers: verified on the raw body, kept, put on record, answered. A policy does the rest."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from application.commands import Envelope
from application.inbox import inbox_command_id, receive_provider_event
from application.ports import ForgedWebhook
from application.streams import SYSTEM
from interfaces.api.admission import count_webhook
from interfaces.api.documented import problems
from interfaces.api.parts import Parts
from interfaces.api.problems import Problem

router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"])

ACTOR = "provider:"


@router.post(
    "/{provider}",
    dependencies=[Depends(count_webhook)],
    operation_id="receive_webhook",
    status_code=HTTPStatus.OK,
    response_class=Response,
    responses=problems(400, 404, 413, 415, 422, 429, 500, 503),
)
async def receive(provider: Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")], request: Request) -> Response:
    """Take a provider's signed message, once; a forged one leaves nothing."""
    parts: Parts = request.app.state.parts
    payments = parts.payments.get(provider)
    if payments is None:
        raise Problem(HTTPStatus.NOT_FOUND, "unknown_provider", "There is no such payment provider.")
    body = await request.body()
    try:
        event = payments.verify(body, request.headers)
    except ForgedWebhook:
        raise Problem(HTTPStatus.BAD_REQUEST, "forged_webhook", "The signature is not the provider's.") from None
    await parts.inbox.put_message(event, body)
    command_id = inbox_command_id(event)
    envelope = Envelope(
        tenant=SYSTEM,
        actor=f"{ACTOR}{event.provider}",
        command_id=command_id,
        key=command_id,
        input_hash=command_id * 2,
        correlation_id=request.state.request_id,
        now=parts.clock.now(),
    )
    (await parts.committer.submit(receive_provider_event(envelope, event))).accepted()
    return Response(status_code=HTTPStatus.OK)
