"""Statements of finance over HTTP: what the last build says, as of a moment, as known at another, to see or to keep."""

import asyncio
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from interfaces.api.ask import Asked, answer
from interfaces.api.documented import QUERY, problems
from interfaces.api.fields import AccountPath, Shown
from interfaces.api.problems import Problem
from interfaces.api.routes.ledger.accounts import AsOf, KnownAt
from interfaces.api.strict_json import StrictRoute
from interfaces.finance.errors import NothingBuilt
from interfaces.finance.formats import MEDIA_TYPES, as_file
from interfaces.finance.kinds import Download, Format, Kind
from interfaces.finance.last import Built, last_build
from interfaces.finance.statements import Asked as Question
from interfaces.finance.statements import month_of, state
from interfaces.postgres.connections import reading

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/finance", tags=["finance"])

Month = Annotated[
    str | None,
    Query(
        pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", description="a whole month, in place of `as_of`", examples=["2026-03"]
    ),
]
Reported = Annotated[bool, Query(description="in the reporting currency; else per asset")]
Form = Annotated[Download, Query(alias="format", description="a file to keep, or JSON")]


class FinanceStatement(Shown):
    """A statement: which log position it stands for, when that was built, whether every check held, and its rows."""

    statement: str
    since: datetime | None
    as_of: datetime
    known_at: datetime | None
    log_position: int
    built_at: datetime
    checked: bool
    columns: list[str]
    rows: list[dict[str, str]]
    notes: list[str]


class FinanceBuild(Shown):
    """The last complete build."""

    log_position: int
    known_at: datetime | None
    built_at: datetime
    full: bool
    checks: int | None
    findings: int | None


RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The statement, with its log position and build time.",
        "content": {media_type: {} for media_type in MEDIA_TYPES.values() if media_type != "application/json"},
    },
    **problems(*QUERY, 404),
}


@router.get(
    "/balance-sheet", operation_id="get_finance_balance_sheet", response_model=FinanceStatement, responses=RESPONSES
)
async def get_balance_sheet(
    ask: Asked,
    *,
    month: Month = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    reported: Reported = False,
    form: Form = Download.JSON,
) -> Response:
    """Return assets, liabilities and equity, per asset or in the reporting currency with its translation line."""
    return await _answer(ask, _question(Kind.BALANCE_SHEET, month, as_of, known_at=known_at, reported=reported), form)


@router.get("/income", operation_id="get_finance_income", response_model=FinanceStatement, responses=RESPONSES)
async def get_income(
    ask: Asked,
    *,
    month: Month = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    reported: Reported = False,
    form: Form = Download.JSON,
) -> Response:
    """Return gross and net revenue, expenses and the result of a month, or of the month up to a moment."""
    return await _answer(ask, _question(Kind.INCOME, month, as_of, known_at=known_at, reported=reported), form)


@router.get(
    "/trial-balance", operation_id="get_finance_trial_balance", response_model=FinanceStatement, responses=RESPONSES
)
async def get_trial_balance(
    ask: Asked, month: Month = None, as_of: AsOf = None, known_at: KnownAt = None, form: Form = Download.JSON
) -> Response:
    """Return every account's debit or credit, and totals that do not differ."""
    return await _answer(ask, _question(Kind.TRIAL_BALANCE, month, as_of, known_at=known_at), form)


@router.get("/cash-flow", operation_id="get_finance_cash_flow", response_model=FinanceStatement, responses=RESPONSES)
async def get_cash_flow(
    ask: Asked, month: Month = None, as_of: AsOf = None, known_at: KnownAt = None, form: Form = Download.JSON
) -> Response:
    """Return what moved cash in a month, by kind of entry, clients' money and ours apart."""
    return await _answer(ask, _question(Kind.CASH_FLOW, month, as_of, known_at=known_at), form)


@router.get("/ledger/{path}", operation_id="get_finance_ledger", response_model=FinanceStatement, responses=RESPONSES)
async def get_ledger(
    path: Annotated[AccountPath, Path()],
    ask: Asked,
    month: Month = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    form: Form = Download.JSON,
) -> Response:
    """Return one account line by line in a month, in the order of accounting time, with its balance after each."""
    return await _answer(ask, _question(Kind.LEDGER, month, as_of, known_at=known_at, account=path), form)


@router.get("/build", operation_id="get_finance_build", response_model=FinanceBuild, responses=problems(*QUERY, 404))
async def get_build(ask: Asked) -> Response:
    """Return which log position the statements stand for, and whether every check held there."""
    async with reading(ask.parts.queries, ask.caller.tenant) as connection:
        built = await last_build(connection)
    if built is None:
        raise _nothing_built()
    return answer(_shown(built), built.log_position)


def _question(
    kind: Kind,
    month: str | None,
    as_of: datetime | None,
    *,
    known_at: datetime | None,
    reported: bool = False,
    account: str | None = None,
) -> Question:
    if month is not None and as_of is not None:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "month_or_as_of", "A statement is of a month or as of a moment, not both."
        )
    since, end = (None, as_of) if month is None else month_of(month)
    return Question(kind=kind, since=since, as_of=end, known_at=known_at, reported=reported, account=account)


async def _answer(ask: Asked, question: Question, form: Download) -> Response:
    try:
        async with reading(ask.parts.queries, ask.caller.tenant) as connection:
            stated = await state(connection, question)
    except NothingBuilt as error:
        raise _nothing_built() from error
    if form is Download.JSON:
        return answer(stated.as_json(), stated.log_position)
    name = f"{question.kind.value}-{stated.as_of:%Y-%m-%d}.{form.value}"
    headers = {
        "X-Log-Position": str(stated.log_position),
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    kind = Format(form.value)
    written = await asyncio.to_thread(as_file, stated, kind)
    return Response(written, media_type=MEDIA_TYPES[kind], headers=headers)


def _shown(built: Built) -> dict[str, Any]:
    return {
        "log_position": built.log_position,
        "known_at": built.known_at,
        "built_at": built.finished_at,
        "full": built.is_full,
        "checks": built.tests,
        "findings": built.failures,
    }


def _nothing_built() -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "nothing_built", "The finance queries have not been built yet.")
