"""Refunds: decided by those who handle money, never by the payer; seen by both."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from application.deposits import find_deposit
from application.refunds import ask_for_refund, request_refund
from domain.funding.refund import UnknownRefund
from domain.ids import RefundId
from interfaces.api.ask import Asked, answer
from interfaces.api.documented import COMMAND, QUERY, problems
from interfaces.api.fields import Body, Id, Money, Shown, ShownMoney
from interfaces.api.money import of_company
from interfaces.api.pages import Cursor, Limit, plain, shown
from interfaces.api.roles import SEES_ALL_FUNDING
from interfaces.api.strict_json import StrictRoute
from projections import refunds

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/refunds", tags=["deposits"])


class RefundBody(Body):
    """What goes back of a deposit; all that is left of it where no amount is said."""

    deposit_id: Id
    amount: Money | None = None


class Requested(Shown):
    """A refund and where it stands."""

    id: str
    deposit: str
    status: str
    amount: ShownMoney


class ShownRefund(Shown):
    """A refund; `requested_by` decided on it, `reason` is why it failed."""

    id: str
    deposit: str
    user: str
    provider: str
    status: str
    reason: str | None
    amount: ShownMoney
    requested_by: str
    occurred_at: datetime
    recorded_at: datetime
    log_position: int


class RefundPage(Shown):
    """A page of refunds."""

    items: list[ShownRefund]
    next_cursor: str | None


@router.post(
    "",
    operation_id="request_refund",
    status_code=HTTPStatus.CREATED,
    response_model=Requested,
    responses=problems(*COMMAND, 404),
)
async def request(body: RefundBody, ask: Asked) -> Response:
    """Hold what shall go back, then ask the provider to pay it out; `pending_provider` where it did not answer."""
    envelope, committer = ask.envelope(body), ask.parts.committer
    amount = None if body.amount is None else await of_company(ask, body.amount, "amount")
    deposit = await find_deposit(committer, ask.caller.tenant, body.deposit_id)
    refund = RefundId(ask.new_id("refund"))
    (await committer.submit(request_refund(envelope, refund, of=deposit, amount=amount))).accepted()
    asked = await ask_for_refund(committer, ask.parts.payments, envelope, refund=refund)
    return ask.answered(asked, asked.accepted())


@router.get("", operation_id="list_refunds", response_model=RefundPage, responses=problems(*QUERY))
async def list_refunds(
    ask: Asked, deposit: Annotated[Id | None, Query()] = None, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """List refunds, newest first."""
    owner = ask.owner(SEES_ALL_FUNDING)
    async with ask.reading(refunds.NAME) as database:
        page = await refunds.list_refunds(database, user=owner, deposit=deposit, limit=limit, cursor=cursor)
    return answer(shown(page), page.log_position)


@router.get("/{id}", operation_id="get_refund", response_model=ShownRefund, responses=problems(*QUERY, 404))
async def get(id: Annotated[Id, Path()], ask: Asked) -> Response:
    """Return one refund; somebody else's is as unknown as none."""
    async with ask.reading(refunds.NAME) as database:
        found = await refunds.get_refund(database, id)
    if ask.owner(SEES_ALL_FUNDING) not in {None, found.value.user}:
        raise UnknownRefund
    return answer(plain(found.value), found.log_position)
