"""Accounts: which there are, what they hold at a moment, and how they came to hold it."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from interfaces.api.ask import Asked, answer
from interfaces.api.documented import QUERY, problems
from interfaces.api.fields import AccountPath, AssetCode, Shown, ShownMoney, Time
from interfaces.api.pages import Cursor, Limit, plain, shown
from interfaces.api.strict_json import StrictRoute
from projections import accounts, journal, statements
from projections.accounts import Balances
from projections.past_balances import list_accounts_at
from projections.times import Moment

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/ledger/accounts", tags=["ledger"])

_MODELS = (accounts.NAME, journal.NAME)
AsOf = Annotated[Time | None, Query(description="accounting time, inclusive")]
KnownAt = Annotated[Time | None, Query(description="recorded time, inclusive")]


class ShownAmount(Shown):
    """An asset and its balance, debit positive."""

    asset: str
    amount: str


class AccountBalances(Shown):
    """An account and what it holds, debit positive."""

    account: str
    normal_side: str
    balances: list[ShownAmount]


class AccountPage(Shown):
    """A page of accounts."""

    items: list[AccountBalances]
    next_cursor: str | None


class StatementLine(Shown):
    """One posting with the balance of its asset after it, both on the account's normal side."""

    log_position: int
    line: int
    entry: str
    kind: str
    reference: str
    note: str
    occurred_at: datetime
    effective_at: datetime
    recorded_at: datetime
    amount: ShownMoney
    balance: ShownMoney


class Statement(Shown):
    """A page of an account's statement, on its normal side."""

    account: str
    normal_side: str
    opening: list[ShownMoney]
    items: list[StatementLine]
    closing: list[ShownMoney]
    next_cursor: str | None


@router.get("", operation_id="list_accounts", response_model=AccountPage, responses=problems(*QUERY))
async def list_accounts(
    ask: Asked,
    prefix: Annotated[str, Query(max_length=512, pattern=r"^[a-z0-9:_-]*$")] = "",
    as_of: AsOf = None,
    known_at: KnownAt = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List the accounts whose path begins with `prefix`, with their balances now or at a moment."""
    moment = Moment(as_of=as_of, known_at=known_at)
    async with ask.reading(*_MODELS) as connection:
        if moment.is_now:
            page = await accounts.list_accounts(connection, prefix=prefix, limit=limit, cursor=cursor)
        else:
            page = await list_accounts_at(connection, moment, prefix=prefix, limit=limit, cursor=cursor)
    return answer(shown(page, _balances), page.log_position)


@router.get(
    "/{path}/balances",
    operation_id="get_account_balances",
    response_model=AccountBalances,
    responses=problems(*QUERY, 404),
)
async def get_balances(
    path: Annotated[AccountPath, Path()], ask: Asked, as_of: AsOf = None, known_at: KnownAt = None
) -> Response:
    """Return an account's balances now, as of an accounting time, as known at a recorded time, or both."""
    moment = Moment(as_of=as_of, known_at=known_at)
    async with ask.reading(*_MODELS) as connection:
        if moment.is_now:
            found = await accounts.get_balances(connection, path)
        else:
            found = await journal.get_balances_at(connection, path, moment)
    return answer(_balances(found.value), found.log_position)


@router.get(
    "/{path}/statement",
    operation_id="get_account_statement",
    response_model=Statement,
    responses=problems(*QUERY, 404),
)
async def get_statement(
    path: Annotated[AccountPath, Path()],
    ask: Asked,
    asset: Annotated[AssetCode | None, Query()] = None,
    effective_from: Annotated[Time | None, Query(alias="from")] = None,
    effective_to: Annotated[Time | None, Query(alias="to")] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """Return a page of an account's statement with running balances, oldest line first."""
    times = {"effective_from": effective_from, "effective_to": effective_to}
    moment = Moment(as_of=as_of, known_at=known_at)
    async with ask.reading(journal.NAME) as connection:
        found = await statements.get_statement(
            connection, path, asset=asset, **times, moment=moment, limit=limit, cursor=cursor
        )
    return answer(_statement(found), found.log_position)


def _balances(one: Balances) -> dict[str, Any]:
    return {
        "account": one.account.path,
        "normal_side": one.account.normal_side.value,
        "balances": [{"asset": held.asset.code, "amount": held.format_plain()} for held in one.amounts],
    }


def _statement(one: statements.Statement) -> dict[str, Any]:
    return {
        "account": one.account.path,
        "normal_side": one.account.normal_side.value,
        "opening": plain(one.opening),
        "items": plain(one.items),
        "closing": plain(one.closing),
        "next_cursor": one.next_cursor,
    }
