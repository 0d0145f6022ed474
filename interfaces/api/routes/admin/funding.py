"""Money that came in as those see it who answer for it: deposits, disputes, payouts, and receipts without a name."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from application.receipts import find_receipt, identify_receipt, record_receipt
from domain.funding import dispute
from domain.funding.deposit_events import Status
from domain.funding.receipt import RecordReceipt
from domain.ids import ReceiptId, UserId
from interfaces.api.ask import Asked, answer
from interfaces.api.documented import COMMAND, QUERY, problems
from interfaces.api.fields import Body, Id, Money, Reference, Shown, ShownMoney, Time
from interfaces.api.money import of_company
from interfaces.api.pages import Cursor, Limit, shown
from interfaces.api.routes.deposits import DepositPage, DepositWithHistory, one_deposit, page_of_deposits
from interfaces.api.strict_json import StrictRoute
from projections import disputes, payouts, receipts

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/admin", tags=["deposits"])


class ShownDispute(Shown):
    """A dispute; `object` is the provider's name for it, `reason` the payer's."""

    id: str
    deposit: str
    user: str
    provider: str
    object: str
    status: str
    reason: str
    amount: ShownMoney
    occurred_at: datetime
    recorded_at: datetime
    log_position: int


class DisputePage(Shown):
    """A page of disputes."""

    items: list[ShownDispute]
    next_cursor: str | None


class ShownPayout(Shown):
    """A payout; `object` is the provider's name for it, `reason` is why it failed."""

    id: str
    provider: str
    bank: str
    object: str
    status: str
    reason: str | None
    amount: ShownMoney
    occurred_at: datetime
    recorded_at: datetime
    log_position: int


class PayoutPage(Shown):
    """A page of payouts."""

    items: list[ShownPayout]
    next_cursor: str | None


class ReceiptBody(Body):
    """A line of a bank's statement: our name for the account, the line's number there, and the amount."""

    bank: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", examples=["main"])]
    line: Reference
    amount: Money
    occurred_at: Time | None = None


class Recorded(Shown):
    """A receipt's id."""

    id: str


class OwnerBody(Body):
    """Whose it is."""

    user_id: Id


class Identified(Shown):
    """A receipt and whose it is."""

    id: str
    user: str


class ShownReceipt(Shown):
    """A receipt; `user` is null as long as nobody knows whose it is."""

    id: str
    bank: str
    line: str
    user: str | None
    amount: ShownMoney
    recorded_by: str
    identified_by: str | None
    occurred_at: datetime
    recorded_at: datetime
    log_position: int


class ReceiptPage(Shown):
    """A page of receipts."""

    items: list[ShownReceipt]
    next_cursor: str | None


@router.get("/deposits", operation_id="list_all_deposits", response_model=DepositPage, responses=problems(*QUERY))
async def list_deposits(
    ask: Asked,
    user: Annotated[Id | None, Query()] = None,
    status: Annotated[Status | None, Query()] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List the deposits of a user, or of all, newest first."""
    return await page_of_deposits(ask, user, status=status, limit=limit, cursor=cursor)


@router.get(
    "/deposits/{id}", operation_id="get_any_deposit", response_model=DepositWithHistory, responses=problems(*QUERY, 404)
)
async def get_deposit(id: Annotated[Id, Path()], ask: Asked) -> Response:
    """Return one deposit and where it has stood, whosever it is."""
    return await one_deposit(ask, None, id)


@router.get("/disputes", operation_id="list_disputes", response_model=DisputePage, responses=problems(*QUERY))
async def list_disputes(
    ask: Asked, status: Annotated[dispute.Status | None, Query()] = None, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """List disputes, newest first."""
    async with ask.reading(disputes.NAME) as database:
        page = await disputes.list_disputes(database, status=status, limit=limit, cursor=cursor)
    return answer(shown(page), page.log_position)


@router.get("/payouts", operation_id="list_payouts", response_model=PayoutPage, responses=problems(*QUERY))
async def list_payouts(ask: Asked, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List payouts of providers to our banks, newest first."""
    async with ask.reading(payouts.NAME) as database:
        page = await payouts.list_payouts(database, limit=limit, cursor=cursor)
    return answer(shown(page), page.log_position)


@router.post(
    "/receipts",
    operation_id="record_receipt",
    status_code=HTTPStatus.CREATED,
    response_model=Recorded,
    responses=problems(*COMMAND),
)
async def record(body: ReceiptBody, ask: Asked) -> Response:
    """Book a line of a bank's statement of which nobody knows whose it is; a line is booked once."""
    envelope = ask.envelope(body)
    receipt = RecordReceipt(
        receipt=ReceiptId(ask.new_id("receipt")),
        bank=body.bank,
        line=body.line,
        amount=await of_company(ask, body.amount, "amount"),
        by=ask.caller.user,
        occurred_at=body.occurred_at or envelope.now,
    )
    return await ask.submit(record_receipt(envelope, receipt))


@router.get("/receipts", operation_id="list_receipts", response_model=ReceiptPage, responses=problems(*QUERY))
async def list_receipts(
    ask: Asked,
    unidentified_only: Annotated[bool, Query()] = False,  # noqa: FBT002 - a query parameter
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List receipts, or those of which nobody knows whose they are, newest first."""
    async with ask.reading(receipts.NAME) as database:
        page = await receipts.list_receipts(database, unidentified_only=unidentified_only, limit=limit, cursor=cursor)
    return answer(shown(page), page.log_position)


@router.post(
    "/receipts/{id}/identify",
    operation_id="identify_receipt",
    response_model=Identified,
    responses=problems(*COMMAND, 404),
)
async def identify(id: Annotated[Id, Path()], body: OwnerBody, ask: Asked) -> Response:
    """Give a receipt to its owner, less what the owner owes; nobody gives one to themselves."""
    envelope = ask.envelope(body)
    known = await find_receipt(ask.parts.committer, ask.caller.tenant, id)
    return await ask.submit(identify_receipt(envelope, known, user=UserId(body.user_id)), status=HTTPStatus.OK)
