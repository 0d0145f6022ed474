"""The book: one owner's subsidiary ledger, which refuses an entry that puts a guarded account on its wrong side.

House and portfolio books keep no balances: their accounts are summed by projection and are never a hot spot. The same
rules decide for them, with an empty state. `book_of` tells which book an entry belongs to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar, assert_never

from domain.errors import Invalid, NotFound, Refused
from domain.ids import EntryId, UserId
from domain.ledger.accounts import HOUSE, BookOf, Bucket, UserBook, available, describe, receivable
from domain.ledger.entry import REVERSAL, EntryPosted, JournalEntry, reversal_of
from domain.ledger.flows import FLOWS, WITHDRAWAL_APPROVED, WITHDRAWAL_REQUESTED
from domain.ledger.manual import check_manual, is_manual
from domain.money import Amount, Asset

EMPTY_WHILE_OWING = (Bucket.REAL, Bucket.COMMISSION)
"""Buckets that hold nothing available while their owner owes in that asset (ACCOUNTING, invariant 17)."""
MADE_UP = "manual"
"""Stands for every kind that people make up, so that the day's totals have no more lines than there are flows."""


@dataclass(kw_only=True, eq=False)
class InsufficientFunds(Refused):
    """A guarded account would come to its wrong side. The numbers are what it holds and what the entry takes, net."""

    code: ClassVar[str] = "insufficient_funds"
    sentence: ClassVar[str] = "The account does not hold enough."
    account: str
    available: Amount
    requested: Amount


@dataclass(kw_only=True, eq=False)
class ReceivableOpen(Refused):
    """Money may not become available to somebody who owes in that asset."""

    code: ClassVar[str] = "receivable_open"
    sentence: ClassVar[str] = "The owner still owes in this asset: collect first."
    account: str
    available: Amount
    owed: Amount


@dataclass(kw_only=True, eq=False)
class UnknownAccountOwner(Refused):
    """The user whose account it is does not exist in this tenant."""

    code: ClassVar[str] = "unknown_account_owner"
    sentence: ClassVar[str] = "The owner of the account is not known."
    owner: str


@dataclass(kw_only=True, eq=False)
class EffectiveInFuture(Refused):
    """Accounting time is never ahead of the clock."""

    code: ClassVar[str] = "effective_in_future"
    sentence: ClassVar[str] = "The accounting time lies in the future."
    effective_at: datetime
    now: datetime


@dataclass(kw_only=True, eq=False)
class OneBookPerEntry(Invalid):
    """Money between two books is two entries through a clearing account."""

    code: ClassVar[str] = "one_book_per_entry"
    sentence: ClassVar[str] = "An entry may touch the accounts of one owner only: use a transfer."
    accounts: tuple[str, ...]


@dataclass(kw_only=True, eq=False)
class EntryOwnedByFlow(Refused):
    """Only an entry that a person posted is reversed by a person; a reversal is not reversed."""

    code: ClassVar[str] = "entry_owned_by_flow"
    sentence: ClassVar[str] = "The entry belongs to a flow, or is itself a reversal."
    entry: str
    kind: str


@dataclass(kw_only=True, eq=False)
class UnknownEntry(NotFound):
    """There is no such entry in this tenant."""

    code: ClassVar[str] = "unknown_entry"
    sentence: ClassVar[str] = "There is no such entry."
    entry: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PostEntry:
    """Post an entry at `now`, for a flow or for a person. `owner_known` is a fact about the user whose book it is."""

    entry: JournalEntry
    now: datetime
    manual: bool = False
    owner_known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseEntry:
    """Post, for a person, the reversal of an entry that a person posted."""

    original: JournalEntry
    id: EntryId
    now: datetime
    effective_at: datetime
    note: str = ""


Command = PostEntry | ReverseEntry
Event = EntryPosted

Key = tuple[str, str]
"""What has a balance: an account's path and an asset's code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Balances of guarded accounts, debit positive, and what was debited to them on the last day that had an entry.

    `debits_of_day` is by (kind, account, asset), `entries_of_day` by kind: both grow with the assets and flows a user
    meets, never with history. `open_withdrawals` names those that are neither approved nor undone, by the entry that
    holds their amount.
    """

    balances: Mapping[Key, int] = field(default_factory=dict)
    day: date | None = None
    debits_of_day: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    entries_of_day: Mapping[str, int] = field(default_factory=dict)
    open_withdrawals: Mapping[EntryId, str] = field(default_factory=dict)

    def balance(self, account: str, asset: Asset) -> Amount:
        """Return a guarded account's balance, debit positive."""
        return asset.amount(self.balances.get((account, asset.code), 0))

    def debited(self, kind: str, account: str, *, asset: Asset, day: date) -> Amount:
        """Return what entries of a kind debited to a guarded account on a UTC day, for daily limits."""
        units = self.debits_of_day.get((kind, account, asset.code), 0) if self.day == day else 0
        return asset.amount(units)

    def posted(self, kind: str, *, day: date) -> int:
        """Return how many entries of a kind were posted on a UTC day, for limits on how often."""
        return self.entries_of_day.get(kind, 0) if self.day == day else 0


INITIAL = Book()


def book_of(entry: JournalEntry) -> BookOf:
    """Return the one book an entry belongs to. Raises `OneBookPerEntry` (ACCOUNTING, invariant 12)."""
    found: BookOf = HOUSE
    by = ""
    for posting in entry.postings:
        book = describe(posting.account).book
        if book is HOUSE or book is found:
            continue
        if found is not HOUSE and book != found:
            raise OneBookPerEntry(accounts=(by, posting.account), at=("postings",))
        found, by = book, posting.account
    return found


def owner_of(entry: JournalEntry) -> UserId | None:
    """Return the user whose book an entry belongs to, None where it is of another book. Raises `OneBookPerEntry`."""
    book = book_of(entry)
    return book.owner if isinstance(book, UserBook) else None


def decide(book: Book, command: Command) -> tuple[Event, ...]:
    """Post an entry, or the reversal of one, where no rule of entries, of manual entries or of guards is broken.

    What the request alone shows comes first, then whose book it is, then time, then money.
    """
    match command:
        case PostEntry(entry=entry, now=now, manual=manual):
            _check_origin(entry, manual=manual)
            owner_known = command.owner_known
        case ReverseEntry(now=now):
            entry, manual, owner_known = _reversal(command), True, True
        case _:
            assert_never(command)
    assert now.tzinfo is UTC or now.utcoffset() == timedelta(0), "the day of a command's time is a UTC day"
    owner = owner_of(entry)
    if not owner_known:
        raise UnknownAccountOwner(owner=str(owner))
    if entry.effective_at > now:
        raise EffectiveInFuture(effective_at=entry.effective_at, now=now)
    if owner is not None:
        after = _guarded(book, entry)
        if manual:
            _check_receivables(owner, entry, after)
    return (EntryPosted(entry=entry, posted_at=now),)


def evolve(book: Book, event: Event) -> Book:
    """Add an entry's guarded postings to the balances, and its debits to those of the day.

    A command's time may lag behind a day that has begun: its debits count to the later day, so that no limit is opened
    by a slow clock.
    """
    entry, day = event.entry, event.posted_at.date()
    same_day = book.day is not None and day <= book.day
    kind = entry.kind if entry.kind in FLOWS else MADE_UP
    balances = dict(book.balances)
    debits = dict(book.debits_of_day) if same_day else {}
    entries = dict(book.entries_of_day) if same_day else {}
    entries[kind] = entries.get(kind, 0) + 1
    for posting in entry.postings:
        if describe(posting.account).guarded:
            key = (posting.account, posting.amount.asset.code)
            units = posting.amount.units
            balances[key] = balances.get(key, 0) + units
            if units > 0:
                debits[kind, *key] = debits.get((kind, *key), 0) + units
    return Book(
        balances=balances,
        day=book.day if same_day else day,
        debits_of_day=debits,
        entries_of_day=entries,
        open_withdrawals=_open_withdrawals(book.open_withdrawals, entry),
    )


def _open_withdrawals(known: Mapping[EntryId, str], entry: JournalEntry) -> Mapping[EntryId, str]:
    if entry.kind == WITHDRAWAL_REQUESTED:
        return {**known, entry.id: entry.reference}
    if known and entry.kind == WITHDRAWAL_APPROVED:
        return {hold: withdrawal for hold, withdrawal in known.items() if withdrawal != entry.reference}
    if known and entry.kind == REVERSAL:
        return {hold: withdrawal for hold, withdrawal in known.items() if hold != entry.reverses}
    return known


def _check_origin(entry: JournalEntry, *, manual: bool) -> None:
    """Refuse a person what belongs to a flow. A flow's kind that FLOWS does not name would be taken for a person's."""
    if manual:
        check_manual(entry)
    else:
        assert entry.kind in FLOWS, f"{entry.kind} is not among the kinds of flows"


def _reversal(command: ReverseEntry) -> JournalEntry:
    original = command.original
    if not is_manual(original):
        raise EntryOwnedByFlow(entry=original.id, kind=original.kind)
    return reversal_of(
        original, id=command.id, occurred_at=command.now, effective_at=command.effective_at, note=command.note
    )


def _guarded(book: Book, entry: JournalEntry) -> dict[Key, int]:
    """Return the balances after an entry; refuse one that comes to its wrong side (ACCOUNTING, invariant 3)."""
    after = dict(book.balances)
    touched: dict[Key, tuple[int, Asset]] = {}
    for posting in entry.postings:
        account, asset = describe(posting.account), posting.amount.asset
        if account.guarded:
            key: Key = (posting.account, asset.code)
            after[key] = after.get(key, 0) + posting.amount.units
            touched[key] = (account.sign, asset)
    for key, (sign, asset) in touched.items():
        left = after[key] * sign
        if left < 0:
            held = book.balances.get(key, 0) * sign
            raise InsufficientFunds(account=key[0], available=asset.amount(held), requested=asset.amount(held - left))
    return after


def _check_receivables(owner: UserId, entry: JournalEntry, after: Mapping[Key, int]) -> None:
    """Refuse a manual entry that leaves money available to an owner who owes in that asset (ACCOUNTING, 17)."""
    debt = receivable(owner)
    for posting in entry.postings:
        asset = posting.amount.asset
        owed = after.get((debt, asset.code), 0)
        if owed <= 0 or not describe(posting.account).guarded:
            continue
        for account in (available(owner, bucket) for bucket in EMPTY_WHILE_OWING):
            left = -after.get((account, asset.code), 0)
            if left > 0:
                raise ReceivableOpen(account=account, available=asset.amount(left), owed=asset.amount(owed))
