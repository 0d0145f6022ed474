"""As of when, and as known when: the two instants a question about the ledger may name, alone or together.

`as_of` is accounting time: entries effective at or before it. `known_at` is the log's time: entries recorded at or
before it. Both are inclusive (CONTRACT, Times).
"""

from dataclasses import dataclass
from datetime import datetime

from application.store import Connection
from projections.paging import LAST
from projections.reading import fetch

_KNOWN = """
    SELECT append_end FROM read.entries WHERE recorded_at <= %(known_at)s
    ORDER BY recorded_at DESC, log_position DESC LIMIT 1
"""
_END_OF_TIME = "infinity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The instants of a question; None is now."""

    as_of: datetime | None = None
    known_at: datetime | None = None

    @property
    def is_now(self) -> bool:
        """Whether the question is about everything that is known."""
        return self.as_of is None and self.known_at is None


NOW = Moment()


@dataclass(frozen=True, slots=True)
class Cut:
    """A moment as the journal compares it: the last log position that is known, and the last accounting time."""

    known: int
    as_of: datetime | None

    @property
    def parameters(self) -> dict[str, object]:
        """Return `known` and `as_of` for `log_position <= %(known)s AND effective_at <= %(as_of)s::timestamptz`."""
        return {"known": self.known, "as_of": self.as_of or _END_OF_TIME}


async def resolve(connection: Connection, moment: Moment) -> Cut:
    """Turn `known_at` into the end of the last append with an entry at or before it, once; 0 where there is none.

    What the model has not read yet is not known to it: the answer's log position says how far that is.
    """
    if moment.known_at is None:
        return Cut(LAST, moment.as_of)
    ends = await fetch(connection, dict[str, int], _KNOWN, {"known_at": moment.known_at})
    return Cut(ends[0]["append_end"] if ends else 0, moment.as_of)
