"""Use cases of the ledger: post one entry or many, reverse one. These entries are people's, as opposed to flows'."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Self, TypeVar

from application import streams
from application.actors import actor_streams, require_actor
from application.codec import decode
from application.commands import Body, Command, Envelope, Refusal
from application.store import Store
from application.work import Work
from domain.errors import DomainError, Invalid
from domain.ids import EntryId, is_id
from domain.ledger.book import PostEntry, ReverseEntry, UnknownEntry, owner_of
from domain.ledger.entry import EntryPosted, EntryReversed, JournalEntry, ReferenceClaimed
from domain.ledger.manual import check_manual
from domain.users import User

_NOBODY = ""
"""In place of an owner's stream where the account names no id: such a user cannot exist, and names no stream."""
_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Manual:
    """An entry that a person posts, and the streams it concerns: its book, its owner, and its explicit reference.

    Of two people, for a large one: the second is who posts it (proposals.py).
    """

    entry: JournalEntry
    book: str
    owner: str | None
    claim: str | None

    @classmethod
    def of(cls, envelope: Envelope, entry: JournalEntry) -> Self:
        """Find out where an entry belongs. Raises what the request alone shows to be wrong (`Invalid`)."""
        check_manual(entry)
        tenant = envelope.tenant
        owner = owner_of(entry)
        if owner is None:
            book, owner_stream = streams.house_book(tenant, envelope.now), None
        elif is_id(owner):
            book, owner_stream = streams.book(tenant, owner), streams.user(tenant, owner)
        else:
            book, owner_stream = streams.house_book(tenant, envelope.now), _NOBODY
        explicit = entry.reference != entry.id
        claim = streams.reference(tenant, entry.kind, entry.reference) if explicit else None
        return cls(entry, book, owner_stream, claim)

    @property
    def reads(self) -> Iterator[str]:
        """The streams whose state or absence decides."""
        if self.owner is not None and self.owner != _NOBODY:
            yield self.owner
            yield self.book
        if self.claim is not None:
            yield self.claim

    def post(self, work: Work, now: datetime) -> None:
        """Claim the reference, then post. An entry without an explicit reference is unique by its own id."""
        entry = self.entry
        known = self.owner is None or (self.owner != _NOBODY and isinstance(work.state(self.owner), User))
        if self.claim is not None:
            work.run(self.claim, ReferenceClaimed(kind=entry.kind, reference=entry.reference, entry=entry.id))
        work.run(self.book, PostEntry(entry=entry, now=now, manual=True, owner_known=known))


def post_entry(envelope: Envelope, entry: JournalEntry) -> Command:
    """Return the command that posts one entry. Raises what the request alone shows to be wrong (`Invalid`)."""
    manual = Manual.of(envelope, entry)

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        manual.post(work, envelope.now)
        return {"id": entry.id, "book": streams.id_of(manual.book)}

    return Command(name="post_entry", envelope=envelope, reads=_reads(envelope, (manual,)), decide=decide)


def post_entries(envelope: Envelope, entries: Sequence[JournalEntry]) -> Command:
    """Return the command that posts all entries or none; an error points at the first bad one."""
    planned = _each(entries, lambda entry: Manual.of(envelope, entry))

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        _each(planned, lambda manual: manual.post(work, envelope.now))
        return {"results": [{"index": index, "id": manual.entry.id} for index, manual in enumerate(planned)]}

    reads = _reads(envelope, planned)
    return Command(name="post_entries", envelope=envelope, reads=reads, decide=decide, weight=len(planned))


def post_entries_each(envelope: Envelope, entries: Sequence[JournalEntry | Invalid]) -> Command:
    """Return the command that posts each entry that can be posted and says of each other why not.

    An element that is an `Invalid` stands for an entry that could not even be constructed.
    """
    planned = [_planned(envelope, entry) for entry in entries]

    def post(work: Work, manual: Manual | Invalid) -> Body:
        try:
            if isinstance(manual, Invalid):
                raise manual
            with work.savepoint():
                manual.post(work, envelope.now)
        except DomainError as error:
            return {"problem": asdict(Refusal.of(error))}
        return {"id": manual.entry.id}

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        return {"results": [{"index": index, **post(work, manual)} for index, manual in enumerate(planned)]}

    reads = _reads(envelope, [manual for manual in planned if isinstance(manual, Manual)])
    return Command(name="post_entries_each", envelope=envelope, reads=reads, decide=decide, weight=len(planned))


async def reverse_entry(
    envelope: Envelope, store: Store, *, original: str, reversal: EntryId, effective_at: datetime, note: str
) -> Command:
    """Return the command that reverses an entry. Raises `UnknownEntry`."""
    posted = await find_entry(store, envelope.tenant, original)
    claim = streams.reversal(envelope.tenant, posted.id)
    owner = owner_of(posted)
    book = streams.house_book(envelope.tenant, envelope.now) if owner is None else streams.book(envelope.tenant, owner)
    reverse = ReverseEntry(original=posted, id=reversal, now=envelope.now, effective_at=effective_at, note=note)

    def decide(work: Work) -> Body:
        require_actor(work, envelope)
        work.run(claim, EntryReversed(entry=posted.id, reversal=reversal))
        work.run(book, reverse)
        return {"id": reversal, "book": streams.id_of(book), "reverses": posted.id}

    reads = (*actor_streams(envelope), claim, *(() if owner is None else (book,)))
    return Command(name="reverse_entry", envelope=envelope, reads=reads, decide=decide)


async def find_entry(store: Store, tenant: str, entry: str) -> JournalEntry:
    """Find a posted entry in the log by its id. Raises `UnknownEntry`."""
    recorded = await store.find_event(entry)
    if recorded is None or recorded.tenant != tenant:
        raise UnknownEntry(entry=entry)
    event = decode(recorded.name, recorded.state)
    if not isinstance(event, EntryPosted):
        raise UnknownEntry(entry=entry)
    return event.entry


def _planned(envelope: Envelope, entry: JournalEntry | Invalid) -> Manual | Invalid:
    if isinstance(entry, Invalid):
        return entry
    try:
        return Manual.of(envelope, entry)
    except Invalid as error:
        return error


def _each(items: Iterable[_Item], step: Callable[[_Item], _Made]) -> list[_Made]:
    """Take a step with each of many; the error of one says which it was."""
    made: list[_Made] = []
    for index, item in enumerate(items):
        try:
            made.append(step(item))
        except DomainError as error:
            error.at = ("entries", index, *error.at)
            raise
    return made


def _reads(envelope: Envelope, entries: Iterable[Manual]) -> tuple[str, ...]:
    reads = dict.fromkeys(actor_streams(envelope))
    for manual in entries:
        reads.update(dict.fromkeys(manual.reads))
    return tuple(reads)
