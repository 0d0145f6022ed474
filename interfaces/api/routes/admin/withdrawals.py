"""Withdrawals as those see them who decide and pay: the queue with its ages, decisions, and what the bank says."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from application.proposals import propose_approval
from application.withdrawals import (
    Charge,
    approve_withdrawal,
    fail_withdrawal,
    find_withdrawal,
    pay_withdrawal,
    reject_withdrawal,
    return_withdrawal,
)
from domain.ids import ProposalId
from domain.ledger.entry import MAX_REFERENCE
from domain.texts import MAX_REASON
from domain.withdrawals.withdrawal import Withdrawal
from interfaces.api.ask import Ask, Asked, answer
from interfaces.api.documented import COMMAND, QUERY, problems
from interfaces.api.fields import AssetCode, Body, Id, Money, Shown
from interfaces.api.money import of_company
from interfaces.api.pages import Cursor, Limit, plain, shown
from interfaces.api.routes.proposed import Proposed
from interfaces.api.routes.withdrawals import Requested, ShownWithdrawal
from interfaces.api.strict_json import StrictRoute
from projections import withdrawals
from projections.withdrawals import WaitsFor

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/admin/withdrawals", tags=["withdrawals"])

_PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
Account = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", examples=["main"])]
Reason = Annotated[str, Field(min_length=1, max_length=MAX_REASON, pattern=_PRINTABLE, examples=["account closed"])]


class ReasonBody(Body):
    """Why it is refused. Personal data does not belong here: facts are for ever."""

    reason: Reason


class ComesBackBody(ReasonBody):
    """Why it came to nothing, and what our bank charged us for it."""

    charge: Money | None = None
    bank: Account = "main"


class PaidBody(Body):
    """Our account at the bank, or for coins the venue that held them; and the payer's reference."""

    bank: Account
    reference: Annotated[str, Field(min_length=1, max_length=MAX_REFERENCE, pattern=_PRINTABLE, examples=["B 17"])]
    network_fee: Money | None = None


class WaitingWithdrawal(ShownWithdrawal):
    """A withdrawal that waits for somebody, and for how long it has, since it was asked for."""

    age_s: int


class Queue(Shown):
    """A page of the queue."""

    items: list[WaitingWithdrawal]
    next_cursor: str | None


@router.get("", operation_id="list_withdrawal_queue", response_model=Queue, responses=problems(*QUERY))
async def list_queue(
    ask: Asked,
    waits_for: Annotated[WaitsFor | None, Query()] = None,
    asset: Annotated[AssetCode | None, Query()] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List withdrawals that wait for a decision or for the bank, the oldest first."""
    now = ask.parts.clock.now()

    def aged(one: withdrawals.Withdrawal) -> dict[str, Any]:
        return {**plain(one), "age_s": max(0, int((now - one.requested_at).total_seconds()))}

    async with ask.reading(withdrawals.NAME) as database:
        page = await withdrawals.list_queue(database, waits_for=waits_for, asset=asset, limit=limit, cursor=cursor)
    return answer(shown(page, aged), page.log_position)


@router.post(
    "/{id}/approve",
    operation_id="approve_withdrawal",
    response_model=Requested,
    responses={
        **problems(*COMMAND, 404),
        202: {"model": Proposed, "description": "It is too large for one person: a second one decides."},
    },
)
async def approve(id: Annotated[Id, Path()], ask: Asked) -> Response:
    """Approve a withdrawal, or propose it where two people are needed."""
    envelope, known = ask.envelope(), await _known(ask, id)
    if known.needs_second_person:
        proposal = ProposalId(ask.new_id("proposal"))
        return await ask.submit(propose_approval(envelope, known, proposal), status=HTTPStatus.ACCEPTED)
    return await ask.submit(approve_withdrawal(envelope, known), status=HTTPStatus.OK)


@router.post(
    "/{id}/reject", operation_id="reject_withdrawal", response_model=Requested, responses=problems(*COMMAND, 404)
)
async def reject(id: Annotated[Id, Path()], body: ReasonBody, ask: Asked) -> Response:
    """Refuse to pay; the hold is reversed."""
    envelope, known = ask.envelope(body), await _known(ask, id)
    return await ask.submit(reject_withdrawal(envelope, known, reason=body.reason), status=HTTPStatus.OK)


@router.post("/{id}/paid", operation_id="pay_withdrawal", response_model=Requested, responses=problems(*COMMAND, 404))
async def paid(id: Annotated[Id, Path()], body: PaidBody, ask: Asked) -> Response:
    """Record that it was paid."""
    fee = None if body.network_fee is None else await of_company(ask, body.network_fee, "network_fee")
    envelope, known = ask.envelope(body), await _known(ask, id)
    command = pay_withdrawal(envelope, known, bank=body.bank, reference=body.reference, network_fee=fee)
    return await ask.submit(command, status=HTTPStatus.OK)


@router.post(
    "/{id}/failed", operation_id="fail_withdrawal", response_model=Requested, responses=problems(*COMMAND, 404)
)
async def failed(id: Annotated[Id, Path()], body: ComesBackBody, ask: Asked) -> Response:
    """Record that what was approved could not be paid; every entry is reversed."""
    charge = await _charge(ask, body)
    envelope, known = ask.envelope(body), await _known(ask, id)
    return await ask.submit(fail_withdrawal(envelope, known, reason=body.reason, charge=charge), status=HTTPStatus.OK)


@router.post(
    "/{id}/returned", operation_id="return_withdrawal", response_model=Requested, responses=problems(*COMMAND, 404)
)
async def returned(id: Annotated[Id, Path()], body: ComesBackBody, ask: Asked) -> Response:
    """Record that what was paid came back; every entry is reversed."""
    charge = await _charge(ask, body)
    envelope, known = ask.envelope(body), await _known(ask, id)
    command = return_withdrawal(envelope, known, reason=body.reason, charge=charge)
    return await ask.submit(command, status=HTTPStatus.OK)


async def _known(ask: Ask, id: str) -> Withdrawal:
    return await find_withdrawal(ask.parts.committer, ask.caller.tenant, id)


async def _charge(ask: Ask, body: ComesBackBody) -> Charge | None:
    if body.charge is None:
        return None
    return Charge(amount=await of_company(ask, body.charge, "charge"), bank=body.bank)
