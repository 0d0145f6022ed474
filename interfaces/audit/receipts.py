"""Receipts: numbered without gaps, under derived ids, each pointing at its own append; refusals point at nothing.

Every append has a receipt, and appends are whole and follow one another (log.py): so receipts cover the log exactly.
"""

from collections.abc import Iterator
from typing import Any

from application.ids import command_id as derived
from interfaces.audit.findings import EVERYBODY, Tallies, Tally
from interfaces.audit.scope import WHOLE, Scope
from interfaces.audit.snapshot import Connection, each

CHECKS = ("receipts",)

Row = tuple[Any, ...]
"""Number, first and last log position, command, tenant, actor, time; of a receipt also key and outcome."""

_RECEIPTS = """
    SELECT number, first_log_position, last_log_position, command_id, tenant, actor, recorded_at, key,
        answer ->> 'outcome'
    FROM log.receipts WHERE number > %s AND number <= %s ORDER BY number
"""
_APPENDS = """
    SELECT append_id, notification_id, notification_id + append_size - 1, command_id, tenant, actor, recorded_at
    FROM log.events WHERE append_index = 1 AND notification_id > %s AND notification_id <= %s ORDER BY append_id
"""
_SAID = ("log positions", "log positions", "command", "tenant", "actor", "time")


def check_receipts(connection: Connection, scope: Scope = WHOLE) -> Tallies:
    """Read receipts and appends side by side."""
    tallies = Tallies.of(scope)
    with tallies.timed("receipts") as tally:
        number = scope.receipts_behind
        receipts = each(connection, _RECEIPTS, number, scope.receipts_upto)
        appends = each(connection, _APPENDS, scope.behind, scope.upto)
        for receipt, append in _side_by_side(receipts, appends):
            if receipt is None:
                assert append is not None
                tally.find(append[1], f"append {append[0]} has no receipt")
                continue
            if receipt[0] != number + 1:
                tally.find(receipt[1], f"receipt {receipt[0]} follows receipt {number}", EVERYBODY)
            number = receipt[0]
            _check_by_itself(tally, receipt)
            _check_append(tally, receipt, append)
            tally.counts["receipts"] = tally.counts.get("receipts", 0) + 1
    return tallies


def _side_by_side(receipts: Iterator[Row], appends: Iterator[Row]) -> Iterator[tuple[Row | None, Row | None]]:
    """Pair receipts and appends of the same number; both come in the order of their numbers."""
    receipt, append = next(receipts, None), next(appends, None)
    while receipt is not None or append is not None:
        if append is None or (receipt is not None and receipt[0] < append[0]):
            yield receipt, None
            receipt = next(receipts, None)
        elif receipt is None or append[0] < receipt[0]:
            yield None, append
            append = next(appends, None)
        else:
            yield receipt, append
            receipt, append = next(receipts, None), next(appends, None)


def _check_by_itself(tally: Tally, receipt: Row) -> None:
    number, first, _, command, tenant, actor, _, key, outcome = receipt
    if key != command.hex() and derived(tenant, actor, key) != command.hex():
        tally.find(first, f"the command of receipt {number} is not derived from tenant, actor and key", tenant)
    if outcome not in {"done", "refused"}:
        tally.find(first, f"receipt {number} says neither done nor refused, but {outcome}", tenant)
    if outcome == "refused" and first is not None:
        tally.find(first, f"receipt {number} is a refusal and points at events", tenant)


def _check_append(tally: Tally, receipt: Row, append: Row | None) -> None:
    number, first, last = receipt[:3]
    if append is None:
        if first is not None:
            what = f"receipt {number} points at log positions {first} to {last}, where its append is not"
            tally.find(first, what, receipt[4])
        return
    for what, said, found in zip(_SAID, receipt[1:7], append[1:], strict=True):
        if said != found:
            tally.find(append[1], f"receipt {number} has other {what} than its append at {append[1]} to {append[2]}")
            return
