"""What finance does beside the flows of users: client money moved, debts given up, provided for, collected after all.

Each is an entry of a flow's kind, so it is no entry by hand; what is large takes two people as an entry by hand does.
"""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import Field

from application.client_money import move_client_money
from application.commands import Command, Envelope
from application.proposals import propose_operation
from application.write_offs import find_write_off, give_up, recover_write_off, set_allowance
from domain.funding.allowance import Estimate
from domain.funding.client_money import Direction, MoveClientMoney
from domain.funding.write_off import GivingUp
from domain.ids import EntryId, ProposalId, UserId, WriteOffId
from domain.money import Amount
from domain.texts import MAX_REASON
from interfaces.api.ask import Ask, Asked
from interfaces.api.documented import COMMAND, problems
from interfaces.api.fields import Body, Id, Level, Money, Reference, Shown, ShownMoney, Time
from interfaces.api.money import of_company
from interfaces.api.routes.proposed import Proposed, needs_two
from interfaces.api.strict_json import StrictRoute

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/admin", tags=["receivables"])

Bank = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", examples=["main"])]
Reason = Annotated[str, Field(min_length=1, max_length=MAX_REASON, examples=["no answer for a year"])]
_LARGE: dict[int | str, dict[str, Any]] = {
    202: {"model": Proposed, "description": "It is too large for one person: a second one decides."}
}


class MoveBody(Body):
    """Our names for the two accounts, the amount, and the bank's reference of the transfer, booked once."""

    client: Bank
    own: Bank
    amount: Money
    reference: Reference
    occurred_at: Time | None = None


class Moved(Shown):
    """The id of the entry that booked it."""

    id: str


class WriteOffBody(Body):
    """Who owes it, how much of it is given up, and why."""

    user_id: Id
    amount: Money
    reason: Reason


class ShownWriteOff(Shown):
    """A write-off; `from_allowance` of it had been provided for."""

    id: str
    status: str
    amount: ShownMoney
    from_allowance: ShownMoney


class AllowanceBody(Body):
    """What of an asset will probably not be collected, all of it and not the difference, and why."""

    level: Level
    reason: Reason
    occurred_at: Time | None = None


class ShownAllowance(Shown):
    """The estimate's id, which is its entry's, and the allowance that there is now."""

    id: str
    level: ShownMoney


@router.post(
    "/client-money/top-ups",
    operation_id="top_up_client_money",
    status_code=HTTPStatus.CREATED,
    response_model=Moved,
    responses={**problems(*COMMAND), **_LARGE},
)
async def top_up(body: MoveBody, ask: Asked) -> Response:
    """Book that our own money covers, in the customers' account, fees that we bear."""
    return await _move(ask, body, Direction.TOP_UP)


@router.post(
    "/client-money/sweeps",
    operation_id="sweep_earnings",
    status_code=HTTPStatus.CREATED,
    response_model=Moved,
    responses={**problems(*COMMAND), **_LARGE},
)
async def sweep(body: MoveBody, ask: Asked) -> Response:
    """Book that what we earned has left the customers' account for our own."""
    return await _move(ask, body, Direction.SWEEP)


@router.post(
    "/write-offs",
    operation_id="write_off",
    status_code=HTTPStatus.CREATED,
    response_model=ShownWriteOff,
    responses={**problems(*COMMAND, 404), **_LARGE},
)
async def make(body: WriteOffBody, ask: Asked) -> Response:
    """Give up what a user owes, against the allowance first; nobody gives up what they owe themselves."""
    wanted = GivingUp(
        write_off=WriteOffId(ask.new_id("write_off")),
        user=UserId(body.user_id),
        amount=await of_company(ask, body.amount, "amount"),
        reason=body.reason,
    )
    envelope = ask.envelope(body)
    return await _done(ask, envelope, wanted, moved=wanted.amount, command=give_up(envelope, wanted))


@router.post(
    "/write-offs/{id}/recover",
    operation_id="recover_write_off",
    response_model=ShownWriteOff,
    responses=problems(*COMMAND, 404),
)
async def recover(id: Annotated[Id, Path()], ask: Asked) -> Response:
    """Reverse a write-off and collect what its user has; what is left of it is owed again."""
    envelope = ask.envelope()
    known = await find_write_off(ask.parts.committer, ask.caller.tenant, id)
    return await ask.submit(recover_write_off(envelope, known), status=HTTPStatus.OK)


@router.post(
    "/allowances",
    operation_id="set_allowance",
    status_code=HTTPStatus.CREATED,
    response_model=ShownAllowance,
    responses={**problems(*COMMAND), **_LARGE},
)
async def estimate(body: AllowanceBody, ask: Asked) -> Response:
    """Set what is provided for losses in an asset; the entry is the difference to what there was."""
    envelope = ask.envelope(body)
    wanted = Estimate(
        entry=EntryId(ask.new_id("entry")),
        level=await of_company(ask, body.level, "level"),
        reason=body.reason,
        occurred_at=body.occurred_at or envelope.now,
    )
    return await _done(ask, envelope, wanted, moved=wanted.level, command=set_allowance(envelope, wanted))


async def _move(ask: Ask, body: MoveBody, direction: Direction) -> Response:
    envelope = ask.envelope(body)
    wanted = MoveClientMoney(
        entry=EntryId(ask.new_id("entry")),
        direction=direction,
        client=body.client,
        own=body.own,
        amount=await of_company(ask, body.amount, "amount"),
        reference=body.reference,
        occurred_at=body.occurred_at or envelope.now,
    )
    return await _done(ask, envelope, wanted, moved=wanted.amount, command=move_client_money(envelope, wanted))


async def _done(
    ask: Ask, envelope: Envelope, wanted: MoveClientMoney | GivingUp | Estimate, *, moved: Amount, command: Command
) -> Response:
    """Do it at once, or propose it where it takes two."""
    if needs_two(ask, [moved]):
        proposal = ProposalId(ask.new_id("proposal"))
        return await ask.submit(propose_operation(envelope, wanted, proposal), status=HTTPStatus.ACCEPTED)
    return await ask.submit(command)
