"""What the caller has: balances by bucket and state, and the movements of the own book."""

from fastapi import APIRouter, Response

from interfaces.api.ask import Asked, answer
from interfaces.api.documented import QUERY, problems
from interfaces.api.fields import Shown
from interfaces.api.pages import Cursor, Limit, shown
from interfaces.api.routes.ledger.accounts import AsOf, KnownAt
from interfaces.api.routes.ledger.shown import EntryPage, entry
from interfaces.api.strict_json import StrictRoute
from projections import accounts, journal
from projections.past_balances import list_own_balances_at
from projections.times import Moment

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
async def list_own_balances(ask: Asked, as_of: AsOf = None, known_at: KnownAt = None) -> Response:
    """Return what the caller has and owes, now or at a moment, on the normal side: positive is theirs."""
    moment = Moment(as_of=as_of, known_at=known_at)
    if moment.is_now:
        own = await accounts.list_own_balances(await ask.reading_once(accounts.NAME), ask.caller.user)
    else:
        async with ask.reading(journal.NAME) as connection:
            own = await list_own_balances_at(connection, ask.caller.user, moment)
    balances = [
        {"bucket": one.bucket, "state": one.state, "value": one.amount.format_plain(), "asset": one.amount.asset.code}
        for one in own.value
    ]
    return answer({"balances": balances}, own.log_position)


@router.get("/transactions", operation_id="list_own_transactions", response_model=EntryPage, responses=problems(*QUERY))
async def list_own_transactions(
    ask: Asked, as_of: AsOf = None, known_at: KnownAt = None, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """List the entries of the caller's book, newest first, each with the caller's own postings."""
    moment = Moment(as_of=as_of, known_at=known_at)
    async with ask.reading(journal.NAME) as connection:
        page = await journal.list_own_entries(connection, ask.caller.user, moment=moment, limit=limit, cursor=cursor)
    return answer(shown(page, entry), page.log_position)
