"""Balances at another moment, of many accounts at once, summed from the journal's postings.

Of one account see `journal.get_balances_at`; what holds now is kept in accounts.py. All are cut alike (times.py).
"""

from itertools import groupby
from typing import Any

from application.store import Connection
from domain.ids import UserId
from domain.ledger.accounts import describe
from projections.accounts import Balances, OwnBalance, own_accounts
from projections.journal import KNOWN, NAME
from projections.paging import page_of, read_cursor
from projections.reading import Answer, Page, amount, fetch, log_position
from projections.times import Moment, resolve

_AFTER_ANY_PATH = "\U0010ffff"
_LIST = f"""
    WITH page AS (
        SELECT DISTINCT account FROM read.postings
        WHERE account > %(after)s AND account >= %(prefix)s AND account < %(end)s AND {KNOWN}
        ORDER BY account LIMIT %(limit)s
    )
    SELECT account, sum(units) AS units, max(scale) AS scale, asset FROM page INNER JOIN read.postings USING (account)
    WHERE {KNOWN} GROUP BY account, asset ORDER BY account, asset
"""
_OWN = f"""
    SELECT account, sum(units) AS units, max(scale) AS scale, asset FROM read.postings
    WHERE account = ANY(%(accounts)s) AND {KNOWN} GROUP BY account, asset ORDER BY account, asset
"""


async def list_accounts_at(
    connection: Connection, moment: Moment, *, prefix: str = "", limit: int, cursor: str | None = None
) -> Page[Balances]:
    """List the accounts with postings at a moment whose path begins with `prefix`, with their balances then."""
    (after,) = read_cursor(cursor, "")
    position = await log_position(connection, NAME)
    cut = await resolve(connection, moment)
    parameters = {"prefix": prefix, "end": prefix + _AFTER_ANY_PATH, "after": after, "limit": limit + 1}
    rows = await fetch(connection, dict[str, Any], _LIST, {**parameters, **cut.parameters})
    found = [
        Balances(describe(account), tuple(amount(units=r["units"], scale=r["scale"], asset=r["asset"]) for r in group))
        for account, group in groupby(rows, key=lambda row: str(row["account"]))
    ]
    return page_of(found, limit=limit, log_position=position, cursor_of=lambda item: (item.account.path,))


async def list_own_balances_at(connection: Connection, user: UserId, moment: Moment) -> Answer[tuple[OwnBalance, ...]]:
    """Return what a user had and owed at a moment, on the normal side; what was not posted by then is left out."""
    own = own_accounts(user)
    position = await log_position(connection, NAME)
    cut = await resolve(connection, moment)
    rows = await fetch(connection, dict[str, Any], _OWN, {"accounts": list(own), **cut.parameters})
    balances = tuple(
        OwnBalance(
            *own[row["account"]],
            amount(units=describe(row["account"]).sign * row["units"], scale=row["scale"], asset=row["asset"]),
        )
        for row in rows
    )
    return Answer(balances, position)
