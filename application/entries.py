"""How flows post, inside a use case's append: an entry goes into its own book, a reversal claims what it reverses."""

from application import streams
from application.commands import Envelope
from application.ids import ENTRIES, derive
from application.work import Work
from domain.ids import EntryId
from domain.ledger.book import PostEntry, owner_of
from domain.ledger.entry import EntryReversed, JournalEntry, reversal_of


def post(work: Work, envelope: Envelope, entry: JournalEntry) -> None:
    """Post a flow's entry. The book of a user whom it concerns must be among the command's reads."""
    owner = owner_of(entry)
    tenant, now = envelope.tenant, envelope.now
    book = streams.house_book(tenant, now) if owner is None else streams.book(tenant, owner)
    work.run(book, PostEntry(entry=entry, now=now))


def reverse(work: Work, envelope: Envelope, entry: JournalEntry) -> None:
    """Post the reversal of a flow's entry, which its flow does once. `reversal_claim` must be among the reads."""
    reversal = EntryId(derive(ENTRIES, entry.id, "reversal"))
    work.run(reversal_claim(envelope, entry), EntryReversed(entry=entry.id, reversal=reversal))
    now = envelope.now
    post(work, envelope, reversal_of(entry, id=reversal, occurred_at=now, effective_at=now))


def reversal_claim(envelope: Envelope, entry: JournalEntry) -> str:
    """Return the stream that lets an entry be reversed once."""
    return streams.reversal(envelope.tenant, entry.id)
