"""How entries are shown, by the ledger's routes and by a user's own transactions."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from domain.ledger.entry import JournalEntry
from domain.money import Amount
from interfaces.api.fields import Shown
from interfaces.api.pages import plain
from projections import journal


class ShownPosting(Shown):
    """One line, debit positive."""

    account: str
    asset: str
    amount: str


class ShownEntry(Shown):
    """A journal entry. `reverses` and `reversed_by` name the other half of a reversal."""

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
    postings: list[ShownPosting]


class EntryPage(Shown):
    """A page of entries."""

    items: list[ShownEntry]
    next_cursor: str | None


def posting(account: str, amount: Amount) -> dict[str, str]:
    """Return a line as the API shows it."""
    return {"account": account, "asset": amount.asset.code, "amount": amount.format_plain()}


def entry(one: journal.Entry) -> dict[str, Any]:
    """Return an entry of the journal."""
    lines = [posting(line.account, line.amount) for line in one.postings]
    return {**plain(replace(one, postings=())), "postings": lines}


def posted(one: JournalEntry) -> dict[str, Any]:
    """Return an entry as it was posted, before any read model has it."""
    return {
        "id": one.id,
        "kind": one.kind,
        "reference": one.reference,
        "occurred_at": one.occurred_at,
        "effective_at": one.effective_at,
        "note": one.note,
        "metadata": dict(one.metadata),
        "reverses": one.reverses,
        "postings": [posting(line.account, line.amount) for line in one.postings],
    }
