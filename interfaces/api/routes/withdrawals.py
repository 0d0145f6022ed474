"""Withdrawals as their users see them: asked for, listed, cancelled until they are approved."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from application.withdrawals import cancel_withdrawal, find_withdrawal, request_withdrawal
from domain.ids import DestinationId, WithdrawalId
from domain.ledger.accounts import Bucket
from domain.money import Asset
from domain.withdrawals.errors import UnknownWithdrawal
from domain.withdrawals.terms import Status, Terms
from interfaces.api.ask import Ask, Asked, answer
from interfaces.api.documented import COMMAND, QUERY, problems
from interfaces.api.fields import Body, Id, Money, Shown, ShownMoney
from interfaces.api.money import of_company
from interfaces.api.pages import Cursor, Limit, plain, shown
from interfaces.api.roles import SEES_ALL
from interfaces.api.strict_json import StrictRoute
from interfaces.withdrawal_terms import terms_of
from projections import withdrawals

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/withdrawals", tags=["withdrawals"])


class WithdrawalBody(Body):
    """What shall leave, from which bucket, and where to."""

    amount: Money
    bucket: Literal["real", "commission"] = "real"
    destination_id: Id


class Requested(Shown):
    """A withdrawal's id and where it stands."""

    id: str
    status: str = Field(examples=["requested"])


class ShownWithdrawal(Shown):
    """A withdrawal; `fee` and the tax `withheld` are inside the amount, `net` is what arrives."""

    id: str
    user: str
    destination: str
    rail: str
    bucket: str
    amount: ShownMoney
    fee: ShownMoney
    withheld: ShownMoney
    net: ShownMoney
    needs_second_person: bool
    status: str
    reason: str | None
    payout_file: str | None
    bank_reference: str | None
    requested_at: datetime
    changed_at: datetime
    log_position: int


class WithdrawalPage(Shown):
    """A page of withdrawals."""

    items: list[ShownWithdrawal]
    next_cursor: str | None


class ShownStep(Shown):
    """A status that a withdrawal came to."""

    status: str
    occurred_at: datetime


class WithdrawalWithHistory(ShownWithdrawal):
    """A withdrawal and what happened to it."""

    history: list[ShownStep]


@router.post(
    "",
    operation_id="request_withdrawal",
    status_code=HTTPStatus.CREATED,
    response_model=Requested,
    responses=problems(*COMMAND, 404),
)
async def request(body: WithdrawalBody, ask: Asked) -> Response:
    """Hold an amount to be paid to a destination, as far as debts, limits and funds allow."""
    envelope = ask.envelope(body)
    amount = await of_company(ask, body.amount, "amount")
    command = request_withdrawal(
        envelope,
        WithdrawalId(ask.new_id("withdrawal")),
        user=ask.caller.user,
        destination=DestinationId(body.destination_id),
        bucket=Bucket(body.bucket),
        amount=amount,
        terms=terms_in_force(ask, amount.asset),
    )
    return await ask.submit(command)


@router.get("", operation_id="list_withdrawals", response_model=WithdrawalPage, responses=problems(*QUERY))
async def list_withdrawals(
    ask: Asked, status: Annotated[Status | None, Query()] = None, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """List withdrawals, newest first."""
    owner = ask.owner(SEES_ALL)
    async with ask.reading(withdrawals.NAME) as database:
        page = await withdrawals.list_withdrawals(database, user=owner, status=status, limit=limit, cursor=cursor)
    return answer(shown(page), page.log_position)


@router.get(
    "/{id}", operation_id="get_withdrawal", response_model=WithdrawalWithHistory, responses=problems(*QUERY, 404)
)
async def get(id: Annotated[Id, Path()], ask: Asked) -> Response:
    """Return one withdrawal with its history; somebody else's is as unknown as none."""
    async with ask.reading(withdrawals.NAME) as database:
        found = await withdrawals.get_withdrawal(database, id)
    one, steps = found.value
    if ask.owner(SEES_ALL) not in {None, one.user}:
        raise UnknownWithdrawal
    history: list[dict[str, Any]] = [{"status": step.status, "occurred_at": step.occurred_at} for step in steps]
    return answer({**plain(one), "history": history}, found.log_position)


@router.post(
    "/{id}/cancel", operation_id="cancel_withdrawal", response_model=Requested, responses=problems(*COMMAND, 404)
)
async def cancel(id: Annotated[Id, Path()], ask: Asked) -> Response:
    """Take a request back, until it is approved."""
    envelope = ask.envelope()
    known = await find_withdrawal(ask.parts.committer, ask.caller.tenant, id)
    return await ask.submit(cancel_withdrawal(envelope, known), status=HTTPStatus.OK)


def terms_in_force(ask: Ask, asset: Asset) -> Terms:
    """Return the terms of withdrawals in an asset. Raises `AssetNotWithdrawable`."""
    settings = ask.parts.settings
    return terms_of(
        settings.withdrawal_terms,
        asset,
        requests_per_day=settings.withdrawal_requests_per_day,
        withholding_bps=settings.withdrawal_withholding_bps,
    )
