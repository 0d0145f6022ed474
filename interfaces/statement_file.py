"""A statement as CSV: balances brought forward, one line per posting with the balance after it, balances carried over.

The last line counts the postings, so that a file that was cut short shows it.
"""

import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable

from domain.money import Amount
from interfaces.csv_text import harmless
from projections.statements import Statement, StatementLine

COLUMNS = (
    "row", "log_position", "line", "entry", "kind", "reference", "note", "occurred_at", "effective_at", "recorded_at",
    "asset", "amount", "balance",
)  # fmt: skip
LINES_A_PAGE = 500


async def write_statement(first: Statement, following: Callable[[str], Awaitable[Statement]]) -> AsyncIterator[str]:
    """Yield a statement page by page; `following` reads the page of a cursor."""
    yield _csv({name: name for name in COLUMNS}, *(_balance("opening", one) for one in first.opening))
    page, lines = first, 0
    while True:
        lines += len(page.items)
        yield _csv(*(_line(one) for one in page.items))
        if page.next_cursor is None:
            break
        page = await following(page.next_cursor)
    yield _csv(*(_balance("closing", one) for one in page.closing), {"row": "end", "line": str(lines)})


def _line(one: StatementLine) -> dict[str, str]:
    return {
        "row": "posting",
        "log_position": str(one.log_position),
        "line": str(one.line),
        "entry": one.entry,
        "kind": one.kind,
        "reference": harmless(one.reference),
        "note": harmless(one.note),
        "occurred_at": one.occurred_at.isoformat(),
        "effective_at": one.effective_at.isoformat(),
        "recorded_at": one.recorded_at.isoformat(),
        "asset": one.amount.asset.code,
        "amount": one.amount.format_plain(),
        "balance": one.balance.format_plain(),
    }


def _balance(row: str, one: Amount) -> dict[str, str]:
    return {"row": row, "asset": one.asset.code, "balance": one.format_plain()}


def _csv(*rows: dict[str, str]) -> str:
    text = io.StringIO()
    csv.DictWriter(text, COLUMNS, restval="", lineterminator="\r\n").writerows(rows)
    return text.getvalue()
