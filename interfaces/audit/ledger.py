"""Feeds the naive fold with the entries of the log, and compares the model of balances with what the JSON says.

The fold is independent of everything else. Only what a path means beside the money (realm, class, normal side) is
asked of the chart of accounts, for the descriptive columns of that model.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic_core import from_json

from domain.errors import DomainError
from domain.ledger.accounts import describe
from interfaces.audit.findings import UNREADABLE, Tallies
from interfaces.audit.ledger_ends import end_append, end_log
from interfaces.audit.ledger_fold import Key, LedgerFold
from interfaces.audit.ledger_once import Once
from interfaces.audit.models import Model, compare_whole, leave_out
from interfaces.audit.scope import WHOLE, Scope
from interfaces.audit.snapshot import Connection, rows, stream

CHECKS = (
    "entries", "totals", "guards", "clearing", "equation", "books", "reversals", "trades", "receivables", "memo",
)  # fmt: skip

_ENTRIES = """
    SELECT append_id, state, notification_id, tenant, originator_id
    FROM log.events WHERE starts_with(topic, 'ledger.entry_posted.') AND notification_id <= %s
    ORDER BY notification_id
"""
_ORIGINALS = "SELECT notification_id, tenant, state FROM log.events WHERE event_id = ANY(%s::uuid[])"


def check_ledger(connection: Connection, accounts: Model | None, *, scope: Scope = WHOLE) -> Tallies:
    """Fold all entries, and compare the model of balances with them at its cursor."""
    tallies = Tallies.of(scope)
    ledger = _Ledger(tallies, cursor=accounts.cursor if accounts else None)
    with tallies.timed("entries"):
        ledger.take(stream(connection, _ENTRIES, scope.upto))
        ledger.close(connection)
    if accounts is not None and accounts.cursor > scope.upto:
        leave_out(accounts, tallies)
    elif accounts is not None:
        with tallies.timed(accounts.check) as tally:
            table = accounts.tables["balances"]
            expected = map(table.values, _balances(ledger.at_cursor))
            compare_whole(connection, table, expected=expected, cursor=accounts.cursor, tally=tally)
    return tallies


class _Ledger:
    """The fold on its way through the log, and its balances as they were at a cursor."""

    def __init__(self, tallies: Tallies, cursor: int | None) -> None:
        self._tallies = tallies
        self._cursor = cursor
        self._fold = LedgerFold()
        self._once = Once(self._fold.findings)
        self._append = self._position = self._entries = 0
        self._at_cursor: dict[Key, int] | None = None

    @property
    def at_cursor(self) -> dict[Key, int]:
        """The balances at the cursor."""
        return self._fold.balances if self._at_cursor is None else self._at_cursor

    def take(self, entries: Iterable[tuple[Any, ...]]) -> None:
        """Add the next entries of the log."""
        fold, once = self._fold, self._once
        for append_id, state, position, tenant, book in entries:
            if append_id != self._append:
                self._end_append(before=position)
                self._append = append_id
            self._position = position
            self._entries += 1
            try:
                fact = from_json(state, cache_strings="keys")
                fold.take(fact, tenant, stream=book, position=position)
                posted = fact["entry"]
                if posted["reverses"] is not None or "trade_id" in posted["metadata"]:
                    once.take(posted, tenant, position)
            except UNREADABLE as error:
                fold.findings["entries", position] = f"it cannot be read as an entry: {error!r}"

    def _end_append(self, *, before: int) -> None:
        end_append(self._fold, self._position)
        if self._at_cursor is None and self._cursor is not None and before > self._cursor:
            self._at_cursor = dict(self._fold.balances)

    def close(self, connection: Connection) -> None:
        """Look at the last append, at reversals and at all balances together; hand over what was found."""
        end_append(self._fold, self._position)
        for position, tenant, state in rows(connection, _ORIGINALS, list(self._once.reversals)):
            self._once.settle(from_json(state)["entry"], tenant, position)
        self._once.close()
        for check, tenant, what in end_log(self._fold):
            self._tallies[check].find(self._position, what, tenant)
        for check in CHECKS:
            self._tallies[check].count("entries", self._entries)
        for (check, position), what in sorted(self._fold.findings.items(), key=lambda found: found[0][1]):
            self._tallies[check].find(position, what)


def _balances(balances: dict[Key, int]) -> Iterator[dict[str, Any]]:
    """Return the rows that the model should have."""
    for (tenant, path, asset, scale), units in balances.items():
        try:
            account = describe(path)
        except DomainError:
            continue  # Nobody could have projected it; the codec's check tells of the entry.
        yield {
            "tenant": tenant,
            "account": path,
            "asset": asset,
            "scale": scale,
            "realm": account.realm.value,
            "class": account.account_class.value,
            "normal_side": account.normal_side.value,
            "units": units,
        }
