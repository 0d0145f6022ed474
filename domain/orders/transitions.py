"""The table of an order's life: what each event does in each status. Data, with the document that is made from it.

It decides which status follows and which word of the venue is late, unexpected, known already or impossible. It never
looks at quantities: whether a fill is partial or full is decided in `decide`. Cells that TRADING leaves open have their
reason in docs/decisions/0006-order-transitions.md.
"""

from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    """Where an order stands. That the venue's answer is unknown is a flag beside it, never a status."""

    NEW = "NEW"
    DENIED = "DENIED"
    SUBMITTED = "SUBMITTED"
    ACCEPTED = "ACCEPTED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"


class OrderFact(StrEnum):
    """What can happen to a market order: the columns of the table, named as the events are stored."""

    INITIALIZED = "initialized"
    DENIED = "denied"
    SUBMITTED = "submitted"
    OUTCOME_UNKNOWN = "outcome_unknown"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CANCELED = "canceled"
    EXPIRED = "expired"
    FILLED = "filled"


class Verdict(StrEnum):
    """What happens where the table names no status."""

    FILLS = "fills"
    LATE = "late"
    UNEXPECTED = "unexpected"
    KNOWN = "known"
    REFUSED = "."


Cell = Status | Verdict

_MEANINGS = {
    Verdict.FILLS: "booked; PARTIALLY_FILLED, or FILLED when nothing is left",
    Verdict.LATE: "booked as late; the status stays and the filled quantity rises",
    Verdict.UNEXPECTED: "booked as unexpected, which alerts; the status stays and the filled quantity rises",
    Verdict.KNOWN: "nothing new: no event, no error",
    Verdict.REFUSED: "impossible or out of order: an error, no event",
}


_TABLE = """
status           initialized denied submitted outcome_unknown accepted rejected canceled expired filled
-                NEW         .      .         .               .        .        .        .       .
NEW              .           DENIED SUBMITTED .               ACCEPTED REJECTED CANCELED EXPIRED fills
DENIED           .           .      .         .               .        .        .        .       unexpected
SUBMITTED        .           .      .         SUBMITTED       ACCEPTED REJECTED CANCELED EXPIRED fills
ACCEPTED         .           .      .         known           known    REJECTED CANCELED EXPIRED fills
PARTIALLY_FILLED .           .      .         known           known    .        CANCELED EXPIRED fills
FILLED           .           .      .         known           known    .        known    known   unexpected
CANCELED         .           .      .         known           known    .        known    known   late
EXPIRED          .           .      .         known           known    .        known    known   late
REJECTED         .           .      .         known           .        known    .        .       unexpected
"""


def _read(table: str) -> dict[tuple[Status | None, OrderFact], Cell]:
    header, *rows = (line.split() for line in table.strip().splitlines())
    facts = [OrderFact(name) for name in header[1:]]
    return {
        (None if status == "-" else Status(status), fact): _cell_of(word)
        for status, *words in rows
        for fact, word in zip(facts, words, strict=True)
    }


def _cell_of(word: str) -> Cell:
    return Status(word) if word.isupper() else Verdict(word)


TRANSITIONS = MappingProxyType(_read(_TABLE))
"""(status or none, fact) → the status that follows, or a verdict. Every pair is in it."""


def document() -> str:
    """Return docs/orders.md: the table as Markdown, with its legend."""
    header = ["status", *OrderFact]
    rows = [[row or "(no order)", *(TRANSITIONS[row, fact] for fact in OrderFact)] for row in (None, *Status)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in (header, ["---"] * len(header), *rows))
    legend = "\n".join(f"* `{verdict}` – {meaning}" for verdict, meaning in _MEANINGS.items())
    return f"{_INTRODUCTION}\n{table}\n\n{legend}\n\n{_NOTES}"


_INTRODUCTION = """\
# The life of a market order

This page is generated from `domain/orders/transitions.py`; a test compares the two. A row is the order's status, a
column the event that arrives, a cell the status that follows or what happens instead.
"""

_NOTES = """\
Beside the status stand two flags. `uncertain` is set by `outcome_unknown` (the request left us and no answer can be
trusted) and cleared by any event of the venue; an uncertain order is settled by a query and never sent again. `pending`
is a cancel or replace request under way; no event of a market order sets it.

A fill with a `trade_id` that the order has booked is refused before this table is read. A fill is `regular`, `late`,
`overfill` or `unexpected`; where several hold, the later word in this list wins. All four are booked: the venue has
moved the coins, whatever we think of it. Why each open cell is as it is:
[decision 0006](decisions/0006-order-transitions.md).
"""
