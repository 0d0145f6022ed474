"""Transfers: money from the caller's wallet to another user's, at once."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from application.transfers import make_transfer
from domain.ids import TransferId, UserId
from interfaces.api.ask import Asked, answer
from interfaces.api.documented import COMMAND, QUERY, problems
from interfaces.api.fields import Body, Id, Money, Shown, ShownMoney
from interfaces.api.money import of_company
from interfaces.api.pages import Cursor, Limit, shown
from interfaces.api.roles import SEES_ALL
from interfaces.api.strict_json import StrictRoute
from projections import transfers

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/transfers", tags=["transfers"])


class TransferBody(Body):
    """To whom, and how much of the caller's real money."""

    to_user: Id
    amount: Money
    note: Annotated[str, Field(max_length=256)] = ""


class Made(Shown):
    """A transfer's id."""

    id: str


class ShownTransfer(Shown):
    """A transfer from one user to another."""

    id: str
    sender: str
    recipient: str
    amount: ShownMoney
    note: str
    occurred_at: datetime
    recorded_at: datetime
    log_position: int


class TransferPage(Shown):
    """A page of transfers."""

    items: list[ShownTransfer]
    next_cursor: str | None


@router.post(
    "",
    operation_id="make_transfer",
    status_code=HTTPStatus.CREATED,
    response_model=Made,
    responses=problems(*COMMAND, 404),
)
async def make(body: TransferBody, ask: Asked) -> Response:
    """Send money to another user of the tenant; it is there when this is answered."""
    amount = await of_company(ask, body.amount, "amount")
    transfer = TransferId(ask.new_id("transfer"))
    command = make_transfer(ask.envelope(body), transfer, UserId(body.to_user), amount=amount, note=body.note)
    return await ask.submit(command)


@router.get("", operation_id="list_transfers", response_model=TransferPage, responses=problems(*QUERY))
async def list_transfers(ask: Asked, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List what the caller sent and received, newest first."""
    async with ask.reading(transfers.NAME) as database:
        page = await transfers.list_transfers(database, user=ask.owner(SEES_ALL), limit=limit, cursor=cursor)
    return answer(shown(page), page.log_position)
