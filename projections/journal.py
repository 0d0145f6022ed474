"""The journal: every entry and its postings, newest first, and the balances they add up to at any moment.

Running statements are read in statements.py, the trial balance in trial_balance.py; both from these two tables.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from application.log import Recorded
from application.store import Connection
from application.streams import id_of
from domain.ledger.accounts import describe
from domain.ledger.book import UnknownEntry
from domain.ledger.entry import EntryPosted
from domain.money import Amount
from projections.accounts import AccountUnused, Balances
from projections.changes import Append, Change
from projections.paging import LAST, page_of, read_cursor
from projections.reading import Answer, Page, amount, fetch, log_position, where
from projections.times import NOW, Moment, resolve

NAME = "journal"
HANDLES = (EntryPosted,)


def apply(recorded: Recorded, event: EntryPosted) -> Iterator[Change]:
    """Write down the entry and each of its lines."""
    entry, position, tenant = event.entry, recorded.log_position, recorded.tenant
    yield Append(
        "entries",
        {
            "tenant": tenant,
            "log_position": position,
            "append_end": recorded.append_end,
            "recorded_at": recorded.recorded_at,
            "id": entry.id,
            "book": id_of(recorded.stream),
            "kind": entry.kind,
            "reference": entry.reference,
            "occurred_at": entry.occurred_at,
            "effective_at": entry.effective_at,
            "actor": recorded.actor,
            "note": entry.note,
            "metadata": dict(entry.metadata),
            "reverses": entry.reverses,
        },
    )
    effective_at = entry.effective_at
    for line, posting in enumerate(entry.postings, start=1):
        asset = posting.amount.asset
        yield Append(
            "postings",
            {
                "tenant": tenant,
                "log_position": position,
                "line": line,
                "account": posting.account,
                "asset": asset.code,
                "scale": asset.scale,
                "units": posting.amount.units,
                "effective_at": effective_at,
            },
        )


@dataclass(frozen=True, slots=True)
class Line:
    """One posting, debit positive."""

    account: str
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry as the journal shows it. `reversed_by` names the entry that negates it, if there is one."""

    id: str
    log_position: int
    book: str
    kind: str
    reference: str
    occurred_at: datetime
    effective_at: datetime
    recorded_at: datetime
    actor: str
    note: str
    metadata: dict[str, str]
    reverses: str | None
    reversed_by: str | None
    postings: tuple[Line, ...]


_CONDITIONS = {
    "before": "e.log_position < %(before)s",
    "book": "e.book = %(book)s",
    "kind": "e.kind = %(kind)s",
    "reference": "e.reference = %(reference)s",
    "effective_from": "e.effective_at >= %(effective_from)s",
    "effective_to": "e.effective_at < %(effective_to)s",
    "as_of": "e.effective_at <= %(as_of)s",
    "known": "e.log_position <= %(known)s",
}
_COLUMNS = """
    e.id, e.log_position, e.book, e.kind, e.reference, e.occurred_at, e.effective_at, e.recorded_at, e.actor, e.note,
    e.metadata, e.reverses, (SELECT r.id FROM read.entries AS r WHERE r.reverses = e.id) AS reversed_by
"""
_ALL = "read.entries AS e"
_OF_ACCOUNT = """(
    SELECT DISTINCT log_position FROM read.postings
    WHERE account = %(account)s AND log_position < %(before)s ORDER BY log_position DESC
) AS p INNER JOIN read.entries AS e USING (log_position)"""
_LIST = "SELECT {columns} FROM {source} WHERE {conditions} ORDER BY e.log_position DESC LIMIT %(limit)s"
_ONE = f"SELECT {_COLUMNS} FROM read.entries AS e WHERE e.id = %(id)s"
_LINES = """
    SELECT log_position, account, units, scale, asset FROM read.postings
    WHERE log_position = ANY(%(positions)s) ORDER BY log_position, line
"""
KNOWN = "log_position <= %(known)s AND effective_at <= %(as_of)s::timestamptz"
"""What counts at a `Cut` (times.py)."""
_BALANCES = f"""
    SELECT coalesce(sum(units) FILTER (WHERE {KNOWN}), 0) AS units, max(scale) AS scale, asset FROM read.postings
    WHERE account = %(account)s GROUP BY asset ORDER BY asset
"""


async def list_entries(
    connection: Connection,
    *,
    account: str | None = None,
    book: str | None = None,
    kind: str | None = None,
    reference: str | None = None,
    effective_from: datetime | None = None,
    effective_to: datetime | None = None,
    moment: Moment = NOW,
    limit: int,
    cursor: str | None = None,
) -> Page[Entry]:
    """List entries with their postings, newest first in log order; effective from (inclusive) to (exclusive)."""
    (before,) = read_cursor(cursor, LAST)
    position = await log_position(connection, NAME)
    cut = await resolve(connection, moment)
    wanted = {
        "before": before, "book": book, "kind": kind, "reference": reference, "effective_from": effective_from,
        "effective_to": effective_to, "as_of": cut.as_of, "known": cut.known,
    }  # fmt: skip
    source = _ALL if account is None else _OF_ACCOUNT
    query = _LIST.format(columns=_COLUMNS, source=source, conditions=where(_CONDITIONS, wanted))
    rows = await fetch(connection, _row, query, {**wanted, "account": account, "limit": limit + 1})
    entries = await _with_lines(connection, rows)
    return page_of(entries, limit=limit, log_position=position, cursor_of=lambda entry: (entry.log_position,))


async def list_own_entries(
    connection: Connection, user: str, *, moment: Moment = NOW, limit: int, cursor: str | None = None
) -> Page[Entry]:
    """List the entries of a user's book, newest first, each with the user's own postings only."""
    page = await list_entries(connection, book=user, moment=moment, limit=limit, cursor=cursor)
    own = tuple(
        replace(entry, postings=tuple(line for line in entry.postings if describe(line.account).owner == user))
        for entry in page.items
    )
    return replace(page, items=own)


async def get_entry(connection: Connection, entry: str) -> Answer[Entry]:
    """Return one entry by its id. Raises `UnknownEntry`."""
    position = await log_position(connection, NAME)
    found = await _with_lines(connection, await fetch(connection, _row, _ONE, {"id": entry}))
    if not found:
        raise UnknownEntry(entry=entry)
    return Answer(found[0], position)


async def get_balances_at(connection: Connection, account: str, moment: Moment) -> Answer[Balances]:
    """Return an account's balances at a moment, summed from its postings; an asset not posted by then is at zero.

    Raises `UnknownAccount`, or `AccountUnused` for an account that has no posting at all.
    """
    described = describe(account)
    position = await log_position(connection, NAME)
    cut = await resolve(connection, moment)
    amounts = await fetch(connection, amount, _BALANCES, {"account": account, **cut.parameters})
    if not amounts:
        raise AccountUnused(account=account)
    return Answer(Balances(described, tuple(amounts)), position)


def _row(**columns: Any) -> Entry:
    return Entry(**columns, postings=())


async def _with_lines(connection: Connection, entries: Sequence[Entry]) -> list[Entry]:
    lines: defaultdict[int, list[Line]] = defaultdict(list)
    positions = [entry.log_position for entry in entries]
    for row in await fetch(connection, dict[str, Any], _LINES, {"positions": positions}):
        position, account = row.pop("log_position"), row.pop("account")
        lines[position].append(Line(account, amount(**row)))
    return [replace(entry, postings=tuple(lines[entry.log_position])) for entry in entries]
