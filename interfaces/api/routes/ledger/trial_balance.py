"""The trial balance: every account's debit or credit, and totals whose difference is zero per asset and realm."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Response
from pydantic import Field

from interfaces.api.ask import Asked, answer
from interfaces.api.documented import QUERY, problems
from interfaces.api.fields import Shown
from interfaces.api.routes.ledger.accounts import AsOf, KnownAt
from interfaces.api.strict_json import StrictRoute
from projections import accounts, journal, trial_balance
from projections.times import Moment

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/ledger", tags=["ledger"])


class TrialBalanceRow(Shown):
    """One account and asset; one of debit and credit is zero."""

    account: str
    account_class: str = Field(alias="class")
    normal_side: str
    realm: str
    asset: str
    debit: str
    credit: str


class TrialBalanceTotal(Shown):
    """The sums of an asset in a realm; `difference` is debit minus credit."""

    realm: str
    asset: str
    debit: str
    credit: str
    difference: str


class TrialBalance(Shown):
    """The trial balance at a moment."""

    log_position: int
    as_of: datetime | None
    known_at: datetime | None
    rows: list[TrialBalanceRow]
    totals: list[TrialBalanceTotal]


@router.get("/trial-balance", operation_id="get_trial_balance", response_model=TrialBalance, responses=problems(*QUERY))
async def get_trial_balance(ask: Asked, as_of: AsOf = None, known_at: KnownAt = None) -> Response:
    """Return the trial balance now, as of an accounting time, as known at a recorded time, or both."""
    async with ask.reading(accounts.NAME, journal.NAME) as connection:
        found = await trial_balance.get_trial_balance(connection, Moment(as_of=as_of, known_at=known_at))
    times = {"log_position": found.log_position, "as_of": as_of, "known_at": known_at}
    totals = [_total(one) for one in found.totals]
    return answer({**times, "rows": [_row(one) for one in found.rows], "totals": totals}, found.log_position)


def _row(one: trial_balance.TrialBalanceRow) -> dict[str, Any]:
    return {
        "account": one.account,
        "class": one.account_class.value,
        "normal_side": one.normal_side.value,
        "realm": one.realm.value,
        "asset": one.debit.asset.code,
        "debit": one.debit.format_plain(),
        "credit": one.credit.format_plain(),
    }


def _total(one: trial_balance.TrialBalanceTotal) -> dict[str, str]:
    return {
        "realm": one.realm.value,
        "asset": one.debit.asset.code,
        "debit": one.debit.format_plain(),
        "credit": one.credit.format_plain(),
        "difference": one.difference.format_plain(),
    }
