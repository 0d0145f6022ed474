"""What is owed to be paid out, twice: by the entries on payable accounts, and by the withdrawals approved and unpaid.

As naive as the ledger's fold: stored JSON, dictionaries, and nothing imported from what wrote the log.
"""

from collections import Counter
from typing import Any

from pydantic_core import from_json

from interfaces.audit.findings import UNREADABLE, Tallies, Tally
from interfaces.audit.scope import WHOLE, Scope
from interfaces.audit.snapshot import Connection, portions

CHECKS = ("withdrawals",)

_PAYABLE = "liabilities:withdrawals:payable:"
_EVENTS = """
    SELECT append_id, notification_id, tenant, topic, state FROM log.events
    WHERE notification_id <= %s AND (
        starts_with(topic, 'withdrawal.')
        OR (starts_with(topic, 'ledger.entry_posted.') AND position(convert_to(%s, 'UTF8') IN state) > 0)
    ) ORDER BY notification_id
"""
_ENDS = ("withdrawal.paid.v1", "withdrawal.failed.v1")

Key = tuple[str, str, str]  # tenant, user, asset


def check_withdrawals(connection: Connection, scope: Scope = WHOLE) -> Tallies:
    """Compare both after every append that touches either (ACCOUNTING, invariant 15)."""
    tallies = Tallies.of(scope)
    with tallies.timed("withdrawals") as tally:
        payable, last, position = _Payable(tally), 0, 0
        for portion in portions(connection, _EVENTS, scope.upto, _PAYABLE):
            for append_id, at, tenant, topic, state in portion:
                if append_id != last:
                    payable.end_append(position)
                last, position = append_id, at
                try:
                    payable.take(from_json(state), tenant, topic)
                except UNREADABLE as error:
                    tally.find(position, f"it cannot be read: {error!r}")
        payable.end_append(position)
    return tallies


class _Payable:
    """Both sums on their way through the log."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._asked: dict[str, tuple[Key, int]] = {}
        self._by_entries: Counter[Key] = Counter()
        self._by_withdrawals: Counter[Key] = Counter()
        self._touched: set[Key] = set()

    def take(self, fact: dict[str, Any], tenant: str, topic: str) -> None:
        """Add an entry or a step of a withdrawal."""
        if topic.startswith("ledger."):
            for line in fact["entry"]["postings"]:
                if line["account"].startswith(_PAYABLE):
                    key = tenant, line["account"].removeprefix(_PAYABLE), line["asset"]
                    self._by_entries[key] -= _units(line["amount"])
                    self._touched.add(key)
            return
        self._tally.count("withdrawals", topic == "withdrawal.requested.v1")
        if topic == "withdrawal.requested.v1":
            owed = _units(fact["amount"]["value"]) - _units(fact["withheld"]["value"])
            self._asked[fact["withdrawal"]] = (tenant, fact["user"], fact["amount"]["asset"]), owed
        elif topic == "withdrawal.approved.v1":
            self._add(fact["withdrawal"], 1)
        elif topic in _ENDS:
            self._add(fact["withdrawal"], -1)

    def _add(self, withdrawal: str, sign: int) -> None:
        key, owed = self._asked[withdrawal]
        self._by_withdrawals[key] += sign * owed
        self._touched.add(key)

    def end_append(self, position: int) -> None:
        """Compare what the append touched."""
        for key in self._touched:
            tenant, user, asset = key
            entries, withdrawals = self._by_entries[key], self._by_withdrawals[key]
            if entries != withdrawals:
                self._tally.find(
                    position,
                    f"{entries} {asset} are payable to {user} of {tenant}, but {withdrawals} are approved and unpaid",
                )
        self._touched.clear()


def _units(text: str) -> int:
    return int(text.replace(".", ""))
