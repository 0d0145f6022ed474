"""The statement of the caller's own money, bucket by bucket: as pages of JSON, or whole as CSV."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from interfaces.api.ask import Ask, Asked, answer
from interfaces.api.documented import QUERY, problems
from interfaces.api.fields import AssetCode, Shown, ShownMoney, Time
from interfaces.api.pages import Cursor, Limit, plain
from interfaces.api.routes.ledger.accounts import AsOf, KnownAt, StatementLine
from interfaces.api.strict_json import StrictRoute
from interfaces.statement_file import LINES_A_PAGE, write_statement
from projections import journal, statements
from projections.statements import Statement
from projections.times import Moment

router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["balances"])

BucketName = Literal["real", "commission", "prepaid", "bonus", "credits", "receivable"]
StateName = Literal["available", "held", "owed"]


class OwnStatement(Shown):
    """A page of a statement: brought forward, the postings with the balance after each, and carried over."""

    bucket: str
    state: str
    opening: list[ShownMoney]
    items: list[StatementLine]
    closing: list[ShownMoney]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which statement: of a bucket's money in a state, effective from (inclusive) to (exclusive), at a moment."""

    bucket: BucketName
    state: StateName
    asset: str | None
    effective_from: Time | None
    effective_to: Time | None
    moment: Moment

    async def page(self, ask: Ask, *, limit: int, cursor: str | None = None) -> Statement:
        """Read a page."""
        async with ask.reading(journal.NAME) as connection:
            return await statements.get_own_statement(
                connection,
                ask.caller.user,
                bucket=self.bucket,
                state=self.state,
                asset=self.asset,
                effective_from=self.effective_from,
                effective_to=self.effective_to,
                moment=self.moment,
                limit=limit,
                cursor=cursor,
            )

    def pages(self, ask: Ask) -> Callable[[str], Awaitable[Statement]]:
        """Return what reads the page of a cursor."""
        return lambda cursor: self.page(ask, limit=LINES_A_PAGE, cursor=cursor)


def wanted(
    bucket: Annotated[BucketName, Query()] = "real",
    state: Annotated[StateName | None, Query(description="available unless said; of receivable, owed")] = None,
    asset: Annotated[AssetCode | None, Query()] = None,
    effective_from: Annotated[Time | None, Query(alias="from")] = None,
    effective_to: Annotated[Time | None, Query(alias="to")] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Wanted:
    """Return which statement is asked for."""
    return Wanted(
        bucket=bucket,
        state=state or ("owed" if bucket == "receivable" else "available"),
        asset=asset,
        effective_from=effective_from,
        effective_to=effective_to,
        moment=Moment(as_of=as_of, known_at=known_at),
    )


Which = Annotated[Wanted, Depends(wanted)]


@router.get("/statement", operation_id="get_own_statement", response_model=OwnStatement, responses=problems(*QUERY))
async def get_statement(ask: Asked, which: Which, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """Return a page of the caller's statement, oldest posting first."""
    found = await which.page(ask, limit=limit, cursor=cursor)
    shown = {
        "bucket": which.bucket,
        "state": which.state,
        "opening": plain(found.opening),
        "items": plain(found.items),
        "closing": plain(found.closing),
        "next_cursor": found.next_cursor,
    }
    return answer(shown, found.log_position)


@router.get(
    "/statement.csv",
    operation_id="get_own_statement_as_csv",
    response_class=Response,
    responses={
        **problems(*QUERY),
        200: {"content": {"text/csv": {}}, "description": "The whole statement; the last line counts its postings."},
    },
)
async def get_statement_as_csv(ask: Asked, which: Which) -> Response:
    """Return the caller's statement as a file, however long it is; it comes in pieces."""
    first = await which.page(ask, limit=LINES_A_PAGE)
    headers = {
        "X-Log-Position": str(first.log_position),
        "Content-Disposition": f'attachment; filename="statement-{which.bucket}-{which.state}.csv"',
    }
    return StreamingResponse(write_statement(first, which.pages(ask)), media_type="text/csv", headers=headers)
