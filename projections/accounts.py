"""Accounts and their balances now: one row per account and asset, from the first posting on. Debit positive.

What may be spent is decided from a book's stream and never from here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import ClassVar

from application.calls import Ask, Call
from application.log import Recorded
from application.store import Connection
from domain.errors import Invalid, NotFound
from domain.ids import UserId
from domain.ledger.accounts import Account, Bucket, available, describe, held, receivable
from domain.ledger.entry import EntryPosted
from domain.money import Amount
from projections.changes import Add, Change, Row
from projections.paging import page_of, read_cursor
from projections.reading import Answer, Page, amount, fetch, log_position, made

NAME = "accounts"
HANDLES = (EntryPosted,)


def apply(recorded: Recorded, event: EntryPosted) -> Iterator[Change]:
    """Add each posting to its account."""
    tenant = recorded.tenant
    for posting in event.entry.postings:
        account, moved = posting.account, posting.amount
        asset = moved.asset
        yield Add(
            "balances",
            {"tenant": tenant, "account": account, "asset": asset.code},
            {"units": moved.units},
            _fixed(account, asset.scale),
        )


def summed(events: Iterable[tuple[str, EntryPosted]]) -> Iterator[Change]:
    """Add what `apply` adds for each entry, in one change for each account and asset."""
    sums: dict[tuple[str, str, str, int], int] = {}
    for tenant, event in events:
        for posting in event.entry.postings:
            moved = posting.amount
            key = tenant, posting.account, moved.asset.code, moved.asset.scale
            sums[key] = sums.get(key, 0) + moved.units
    for (tenant, account, asset, scale), units in sums.items():
        yield Add(
            "balances",
            {"tenant": tenant, "account": account, "asset": asset},
            {"units": units},
            _fixed(account, scale),
        )


@lru_cache(maxsize=65_536)
def _fixed(account: str, scale: int) -> Row:
    """Return what follows from an account and an asset; the same for millions of postings."""
    described = describe(account)
    return {
        "scale": scale,
        "realm": described.realm.value,
        "class": described.account_class.value,
        "normal_side": described.normal_side.value,
    }


@dataclass(kw_only=True, eq=False)
class AccountUnused(NotFound):
    """The account has no posting in this tenant: it does not exist yet."""

    code: ClassVar[str] = "unknown_account"
    sentence: ClassVar[str] = "There is no such account."
    account: str


@dataclass(kw_only=True, eq=False)
class UnknownBucket(Invalid):
    """Users have no such bucket, or none of its money is in that state."""

    code: ClassVar[str] = "unknown_bucket"
    sentence: ClassVar[str] = "There is no such bucket in that state."
    bucket: str
    state: str


@dataclass(frozen=True, slots=True)
class Balances:
    """An account with its balance in each asset it was ever posted in, debit positive, by asset."""

    account: Account
    amounts: tuple[Amount, ...]


@dataclass(frozen=True, slots=True)
class OwnBalance:
    """What a user has in a bucket, on the normal side: positive is theirs, and in bucket `receivable` what they owe."""

    bucket: str
    state: str
    amount: Amount


_BALANCES = "SELECT units, scale, asset FROM read.balances WHERE account = %(account)s ORDER BY asset"
_LIST = """
    WITH page AS (
        SELECT DISTINCT account FROM read.balances
        WHERE account > %(after)s AND account >= %(prefix)s AND account < %(end)s ORDER BY account LIMIT %(limit)s
    )
    SELECT b.account, b.units, b.scale, b.asset FROM page INNER JOIN read.balances AS b USING (account)
    ORDER BY b.account, b.asset
"""
_OWN = Call(
    "own_balances",
    """
    SELECT c.log_position, b.account, b.units, b.scale, b.asset FROM read.accounts_cursor AS c
    LEFT JOIN read.balances AS b ON b.account = ANY($1::text[]) ORDER BY b.account, b.asset
    """,
)
_AFTER_ANY_PATH = "\U0010ffff"


async def get_balances(connection: Connection, account: str) -> Answer[Balances]:
    """Return an account's balances now. Raises `UnknownAccount`, or `AccountUnused` before its first posting."""
    described = describe(account)
    position = await log_position(connection, NAME)
    amounts = await fetch(connection, amount, _BALANCES, {"account": account})
    if not amounts:
        raise AccountUnused(account=account)
    return Answer(Balances(described, tuple(amounts)), position)


async def list_accounts(
    connection: Connection, *, prefix: str = "", limit: int, cursor: str | None = None
) -> Page[Balances]:
    """List the accounts whose path begins with `prefix`, in the order of their paths, with their balances now."""
    (after,) = read_cursor(cursor, "")
    position = await log_position(connection, NAME)
    parameters = {"prefix": prefix, "end": prefix + _AFTER_ANY_PATH, "after": after, "limit": limit + 1}
    rows = await fetch(connection, lambda account, **money: (account, amount(**money)), _LIST, parameters)
    found = [
        Balances(describe(account), tuple(money for _, money in group))
        for account, group in groupby(rows, key=lambda row: row[0])
    ]
    return page_of(found, limit=limit, log_position=position, cursor_of=lambda item: (item.account.path,))


async def list_own_balances(ask: Ask, user: UserId) -> Answer[tuple[OwnBalance, ...]]:
    """Return what a user has and owes: buckets of money available and held, bonus, credits, and the receivable.

    One statement without a cursor, because it is what every client asks for all the time. Its rows have a balance
    beside the cursor of the model, or nothing beside it where a user has no balance at all.
    """
    own = own_accounts(user)
    with made():
        rows = await ask(_OWN, [f"{{{','.join(own)}}}"])
    assert rows, "the live generation is younger than this transaction"
    balances = tuple(
        OwnBalance(*own[account], amount(units=describe(account).sign * int(units), scale=int(scale), asset=asset))
        for _, account, units, scale, asset in rows
        if account
    )
    return Answer(balances, int(rows[0][0]))


def own_accounts(user: UserId) -> dict[str, tuple[str, str]]:
    """Return the guarded accounts of a user as bucket and state, by path."""
    own: dict[str, tuple[str, str]] = {receivable(user): ("receivable", "owed")}
    for bucket in Bucket:
        own[available(user, bucket)] = (bucket.value, "available")
        own[held(user, bucket)] = (bucket.value, "held")
    for units in ("bonus", "credits"):
        own[f"memo:users:{user}:{units}"] = (units, "available")
    return own


def own_account(user: UserId, bucket: str, state: str) -> str:
    """Return the account of a user's bucket in a state. Raises `UnknownBucket`."""
    by_place = {place: account for account, place in own_accounts(user).items()}
    if (bucket, state) not in by_place:
        raise UnknownBucket(bucket=bucket, state=state)
    return by_place[bucket, state]
