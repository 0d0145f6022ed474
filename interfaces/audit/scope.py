"""What a verification is about: the log behind one append end and up to another, and how much of it is listed.

What happened before a range is folded as well, since everything later rests on it; what is wrong there is only counted.
"""

from dataclasses import dataclass

from interfaces.audit.snapshot import Connection, one

FOREVER = 2**63 - 1
KEPT = 20
"""Findings of one check that are listed; the rest is counted."""

_BEHIND = """
    SELECT coalesce(max(notification_id), 0) FROM log.events
    WHERE notification_id < %s AND append_index = append_size
"""
_UPTO = """
    SELECT coalesce(min(notification_id), %s) FROM log.events
    WHERE notification_id >= %s AND append_index = append_size
"""
_RECEIPT = "SELECT coalesce(max(append_id), 0) FROM log.events WHERE notification_id = %s"


class NoSuchRange(Exception):
    """The log has no such range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Log positions and numbers of receipts, each behind the first and up to the last; an open end has no last."""

    behind: int = 0
    upto: int = FOREVER
    receipts_behind: int = 0
    receipts_upto: int = FOREVER
    kept: int = KEPT

    @property
    def is_open(self) -> bool:
        """Whether everything belongs to it that follows."""
        return self.upto == FOREVER

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole log."""
        return self.is_open and not self.behind

    def holds(self, log_position: int) -> bool:
        """Tell whether a log position lies in it."""
        return self.behind < log_position <= self.upto


WHOLE = Scope()


def scope_of(connection: Connection, first: int, last: int | None, *, head: int, kept: int = KEPT) -> Scope:
    """Return the range whose first and last append hold these log positions. Raises `NoSuchRange`."""
    if first == 1 and last is None:
        return Scope(kept=kept)
    if not 1 <= first <= (head if last is None else last) <= head:
        raise NoSuchRange(f"the log has log positions 1 to {head}, and a range begins before it ends")
    behind = int(one(connection, _BEHIND, first)[0])
    receipts_behind = int(one(connection, _RECEIPT, behind)[0])
    if last is None:
        return Scope(behind=behind, receipts_behind=receipts_behind, kept=kept)
    upto = int(one(connection, _UPTO, head, last)[0])
    return Scope(
        behind=behind,
        upto=upto,
        receipts_behind=receipts_behind,
        receipts_upto=int(one(connection, _RECEIPT, upto)[0]),
        kept=kept,
    )
