"""What the caller has: balances by bucket and state, and the movements of the own book."""

from fastapi import APIRouter, Response

from interfaces.api.ask import Asked, answer
from interfaces.api.documented import QUERY, problems
from interfaces.api.fields import Shown
from interfaces.api.pages import Cursor, Limit, shown
from interfaces.api.routes.ledger.shown import EntryPage, entry
from interfaces.api.strict_json import StrictRoute
from projections import accounts, journal

router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["balances"])


class OwnBalance(Shown):
    """An amount in a bucket (real, commission, prepaid, bonus, credits, receivable), on the normal side."""

    bucket: str
    state: str
    value: str
    asset: str


class OwnBalances(Shown):
    """All of the caller's balances."""

    balances: list[OwnBalance]


@router.get("/balances", operation_id="list_own_balances", response_model=OwnBalances, responses=problems(*QUERY))
async def list_own_balances(ask: Asked) -> Response:
    """Return what the caller has and owes, on the normal side: positive is theirs."""
    async with ask.reading(accounts.NAME) as connection:
        own = await accounts.list_own_balances(connection, ask.caller.user)
    balances = [
        {"bucket": one.bucket, "state": one.state, "value": one.amount.format_plain(), "asset": one.amount.asset.code}
        for one in own.value
    ]
    return answer({"balances": balances}, own.log_position)


@router.get("/transactions", operation_id="list_own_transactions", response_model=EntryPage, responses=problems(*QUERY))
async def list_own_transactions(ask: Asked, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List the entries of the caller's book, newest first, each with the caller's own postings."""
    async with ask.reading(journal.NAME) as connection:
        page = await journal.list_own_entries(connection, ask.caller.user, limit=limit, cursor=cursor)
    return answer(shown(page, entry), page.log_position)
