"""Use cases of the ledger: post one entry or many, reverse one. These entries are people's, as opposed to flows'."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from application import streams
from application.actors import actor_streams, require_actor
from application.codec import decode
from application.commands import Body, Command, Envelope, Refusal
from application.store import Store
from application.work import Work
from domain.errors import DomainError, Invalid
from domain.ids import EntryId
from domain.ledger.book import PostEntry, ReverseEntry, UnknownEntry, owner_of
from domain.ledger.entry import EntryPosted, EntryReversed, JournalEntry, ReferenceClaimed
from domain.ledger.manual import check_manual
from domain.users import User


def post_entry(envelope: Envelope, entry: JournalEntry) -> Command:
    """Return the command that posts one entry. Raises what the request alone shows to be wrong (`Invalid`)."""
    check_manual(entry)
    book = _book_of(envelope, entry)

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        _post(work, envelope, entry)
        return {"id": entry.id, "book": streams.id_of(book)}

    reads = dict.fromkeys((*actor_streams(envelope), *_reads(envelope, entry)))
    return Command(name="post_entry", envelope=envelope, reads=tuple(reads), decide=decide)


def post_entries(envelope: Envelope, entries: Sequence[JournalEntry]) -> Command:
    """Return the command that posts all entries or none; an error points at the first bad one."""
    for index, entry in enumerate(entries):
        _pointing_at(index, lambda entry=entry: _check(entry))

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        for index, entry in enumerate(entries):
            _pointing_at(index, lambda entry=entry: _post(work, envelope, entry))
        return {"results": [{"index": index, "id": entry.id} for index, entry in enumerate(entries)]}

    return _bulk("post_entries", envelope, entries, decide=decide)


def post_entries_each(envelope: Envelope, entries: Sequence[JournalEntry | Invalid]) -> Command:
    """Return the command that posts each entry that can be posted and says of each other why not.

    An element that is an `Invalid` stands for an entry that could not even be constructed.
    """
    checked = [_checked(entry) for entry in entries]
    sound = [entry for entry in checked if isinstance(entry, JournalEntry)]

    def post(work: Work, entry: JournalEntry | Invalid) -> Body:
        try:
            if isinstance(entry, Invalid):
                raise entry
            with work.savepoint():
                _post(work, envelope, entry)
        except DomainError as error:
            return {"problem": asdict(Refusal.of(error))}
        return {"id": entry.id}

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        return {"results": [{"index": index, **post(work, entry)} for index, entry in enumerate(checked)]}

    return _bulk("post_entries_each", envelope, sound, decide=decide)


def _checked(entry: JournalEntry | Invalid) -> JournalEntry | Invalid:
    if isinstance(entry, JournalEntry):
        try:
            _check(entry)
        except Invalid as error:
            return error
    return entry


async def reverse_entry(
    envelope: Envelope, store: Store, *, original: str, reversal: EntryId, effective_at: datetime, note: str
) -> Command:
    """Return the command that reverses an entry. Raises `UnknownEntry`."""
    posted = await find_entry(store, envelope.tenant, original)
    claim = streams.reversal(envelope.tenant, posted.id)
    book = _book_of(envelope, posted)
    reverse = ReverseEntry(original=posted, id=reversal, now=envelope.now, effective_at=effective_at, note=note)

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        work.run(claim, EntryReversed(entry=posted.id, reversal=reversal))
        work.run(book, reverse)
        return {"id": reversal, "book": streams.id_of(book), "reverses": posted.id}

    reads = dict.fromkeys((*actor_streams(envelope), claim, *_versioned(book)))
    return Command(name="reverse_entry", envelope=envelope, reads=tuple(reads), decide=decide)


async def find_entry(store: Store, tenant: str, entry: str) -> JournalEntry:
    """Find a posted entry in the log by its id. Raises `UnknownEntry`."""
    recorded = await store.find_event(entry)
    if recorded is None or recorded.tenant != tenant:
        raise UnknownEntry(entry=entry)
    event = decode(recorded.name, recorded.state)
    if not isinstance(event, EntryPosted):
        raise UnknownEntry(entry=entry)
    return event.entry


def _bulk(name: str, envelope: Envelope, entries: Sequence[JournalEntry], *, decide: Any) -> Command:
    reads = dict.fromkeys(actor_streams(envelope))
    for entry in entries:
        reads.update(dict.fromkeys(_reads(envelope, entry)))
    return Command(name=name, envelope=envelope, reads=tuple(reads), decide=decide, weight=len(entries))


def _check(entry: JournalEntry) -> None:
    check_manual(entry)
    owner_of(entry)


def _pointing_at(index: int, step: Any) -> None:
    """Run a step on one entry of many; let its error say which."""
    try:
        step()
    except DomainError as error:
        error.at = ("entries", index, *error.at)
        raise


def _book_of(envelope: Envelope, entry: JournalEntry) -> str:
    owner = owner_of(entry)
    if owner is None:
        return streams.house_book(envelope.tenant, envelope.now)
    return streams.book(envelope.tenant, owner)


def _reads(envelope: Envelope, entry: JournalEntry) -> tuple[str, ...]:
    owner = owner_of(entry)
    reads: tuple[str, ...] = ()
    if owner is not None:
        reads = (streams.user(envelope.tenant, owner), streams.book(envelope.tenant, owner))
    return reads if entry.reference == entry.id else (*reads, _claim_of(envelope, entry))


def _versioned(book: str) -> tuple[str, ...]:
    return () if streams.is_open(book) else (book,)


def _claim_of(envelope: Envelope, entry: JournalEntry) -> str:
    return streams.reference(envelope.tenant, entry.kind, entry.reference)


def _post(work: Work, envelope: Envelope, entry: JournalEntry) -> None:
    """Claim the reference, then post. An entry without an explicit reference is unique by its own id."""
    owner = owner_of(entry)
    known = owner is None or isinstance(work.state(streams.user(envelope.tenant, owner)), User)
    if entry.reference != entry.id:
        work.run(
            _claim_of(envelope, entry), ReferenceClaimed(kind=entry.kind, reference=entry.reference, entry=entry.id)
        )
    work.run(_book_of(envelope, entry), PostEntry(entry=entry, now=envelope.now, manual=True, owner_known=known))
