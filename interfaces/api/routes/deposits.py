"""Deposits as their users see them: asked for, completed in the browser, settled by what the provider says."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from application.deposits import ask_for_payment, client_secret, find_deposit, request_deposit
from domain.funding.deposit import RequestDeposit
from domain.funding.deposit_events import Status, UnknownDeposit, UnknownProvider
from domain.ids import DepositId
from interfaces.api.ask import Ask, Asked, answer
from interfaces.api.documented import COMMAND, QUERY, problems
from interfaces.api.fields import Body, Id, Money, Shown, ShownMoney
from interfaces.api.money import of_company
from interfaces.api.pages import Cursor, Limit, plain
from interfaces.api.roles import SEES_ALL
from interfaces.api.strict_json import StrictRoute
from projections import deposits

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/deposits", tags=["deposits"])

Provider = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$", examples=["stripe"])]


class DepositBody(Body):
    """What shall be paid in, and through whom; the installation's first provider where that is left out."""

    amount: Money
    provider: Provider | None = None


class Requested(Shown):
    """A deposit, and what the payer's browser completes the payment with: told here, and kept nowhere."""

    id: str
    status: str = Field(examples=["pending"])
    amount: ShownMoney
    client_secret: str | None = None


class ShownDeposit(Shown):
    """A deposit; `settled` and `fee` are what the provider booked and kept, `returned` what has gone back."""

    id: str
    user: str
    provider: str
    payment: str | None
    status: str
    reason: str | None
    amount: ShownMoney
    returned: ShownMoney
    settled: ShownMoney | None
    fee: ShownMoney | None
    occurred_at: datetime
    recorded_at: datetime
    log_position: int


class ShownStood(Shown):
    """Where a deposit stood from an instant on."""

    status: str
    reason: str | None
    occurred_at: datetime
    recorded_at: datetime


class DepositWithHistory(ShownDeposit):
    """A deposit and where it has stood."""

    history: list[ShownStood]


class DepositPage(Shown):
    """A page of deposits, without their histories."""

    items: list[ShownDeposit]
    next_cursor: str | None


@router.post(
    "",
    operation_id="request_deposit",
    status_code=HTTPStatus.CREATED,
    response_model=Requested,
    responses=problems(*COMMAND, 404),
)
async def request(body: DepositBody, ask: Asked) -> Response:
    """Put a deposit on record, then ask the provider to collect it; `pending_provider` where it did not answer."""
    envelope, committer = ask.envelope(body), ask.parts.committer
    deposit = RequestDeposit(
        deposit=DepositId(ask.new_id("deposit")),
        user=ask.caller.user,
        provider=_provider(ask, body.provider),
        amount=await of_company(ask, body.amount, "amount"),
        occurred_at=envelope.now,
    )
    (await committer.submit(request_deposit(envelope, deposit))).accepted()
    asked = await ask_for_payment(committer, ask.parts.payments, envelope, deposit=deposit.deposit)
    known = await find_deposit(committer, ask.caller.tenant, deposit.deposit)
    secret = await client_secret(ask.parts.payments, known)
    return ask.answered(asked, {**asked.accepted(), **({} if secret is None else {"client_secret": secret})})


@router.get("", operation_id="list_deposits", response_model=DepositPage, responses=problems(*QUERY))
async def list_deposits(
    ask: Asked, status: Annotated[Status | None, Query()] = None, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """List deposits, newest first."""
    return await page_of_deposits(ask, ask.owner(SEES_ALL), status=status, limit=limit, cursor=cursor)


@router.get("/{id}", operation_id="get_deposit", response_model=DepositWithHistory, responses=problems(*QUERY, 404))
async def get(id: Annotated[Id, Path()], ask: Asked) -> Response:
    """Return one deposit and where it has stood; somebody else's is as unknown as none."""
    return await one_deposit(ask, ask.owner(SEES_ALL), id)


async def page_of_deposits(
    ask: Ask, owner: str | None, *, status: Status | None, limit: int, cursor: str | None
) -> Response:
    """Answer with the deposits of an owner, or of all."""
    async with ask.reading(deposits.NAME) as database:
        page = await deposits.list_deposits(database, user=owner, status=status, limit=limit, cursor=cursor)
    return answer({"items": [_listed(one) for one in page.items], "next_cursor": page.next_cursor}, page.log_position)


async def one_deposit(ask: Ask, owner: str | None, deposit: str) -> Response:
    """Answer with one deposit, if it is the owner's, or whosever it is. Raises `UnknownDeposit`."""
    async with ask.reading(deposits.NAME) as database:
        found = await deposits.get_deposit(database, deposit)
    if owner not in {None, found.value.user}:
        raise UnknownDeposit
    return answer(plain(found.value), found.log_position)


def _listed(one: deposits.Deposit) -> dict[str, object]:
    return {name: value for name, value in plain(one).items() if name != "history"}


def _provider(ask: Ask, wanted: str | None) -> str:
    """Return the wanted provider, or the installation's first. Raises `UnknownProvider`."""
    names = list(ask.parts.payments)
    if not names or (wanted is not None and wanted not in names):
        raise UnknownProvider(at=("provider",))
    return wanted or names[0]
