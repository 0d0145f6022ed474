"""The book: one owner's subsidiary ledger, which refuses an entry that puts a guarded account on its wrong side.

House and portfolio books keep no balances: their accounts are summed by projection and are never a hot spot. The same
rules decide for them, with an empty state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar, NamedTuple, assert_never

from domain.errors import Invalid, NotFound, Refused
from domain.ids import EntryId, UserId
from domain.ledger.accounts import Realm, describe
from domain.ledger.entry import EntryPosted, JournalEntry, reversal_of
from domain.ledger.manual import FLOW_KINDS
from domain.money import Amount, Asset

RECEIVABLE_ROOT = "assets:receivable:users"
OWED_FIRST = ("real", "commission")
"""Buckets that may not hold available money while their owner owes in that asset (invariant 17)."""


@dataclass(kw_only=True, eq=False)
class InsufficientFunds(Refused):
    """A guarded account would come to its wrong side."""

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
    """Guarded accounts of one owner only: money between two is two entries through a clearing account."""

    code: ClassVar[str] = "one_book_per_entry"
    sentence: ClassVar[str] = "An entry may touch the accounts of one owner only: use a transfer."
    owners: tuple[str, ...]


@dataclass(kw_only=True, eq=False)
class EntryOwnedByFlow(Refused):
    """Only an entry that a person posted is reversed by a person."""

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
    """Post an entry at `now`. `owner_known` is a fact about the user whose guarded accounts it touches."""

    entry: JournalEntry
    now: datetime
    manual: bool = False
    owner_known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseEntry:
    """Post the reversal of an entry that a person posted."""

    original: JournalEntry
    id: EntryId
    now: datetime
    effective_at: datetime
    note: str = ""


Command = PostEntry | ReverseEntry
Event = EntryPosted


class Held(NamedTuple):
    """A guarded account and one asset of it."""

    account: str
    asset: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Balances of guarded accounts, debit positive, and the day's debits by (kind, account, asset) for daily limits."""

    balances: Mapping[Held, int] = field(default_factory=dict)
    day: date | None = None
    debits_of_day: Mapping[tuple[str, str, str], int] = field(default_factory=dict)

    def balance(self, account: str, asset: Asset) -> Amount:
        """Return a guarded account's balance, debit positive."""
        return asset.amount(self.balances.get(Held(account, asset.code), 0))


INITIAL = Book()


def owner_of(entry: JournalEntry) -> UserId | None:
    """Return the one user whose guarded accounts an entry touches, or None. Raises `OneBookPerEntry` (invariant 12)."""
    owner: UserId | None = None
    for posting in entry.postings:
        found = describe(posting.account).owner
        if found is not None and found != owner:
            if owner is not None:
                raise OneBookPerEntry(owners=(owner, found), at=("postings",))
            owner = found
    return owner


def portfolio_of(entry: JournalEntry) -> str | None:
    """Return the connection whose portfolio an entry touches, or None."""
    for posting in entry.postings:
        if describe(posting.account).realm is Realm.PORTFOLIO:
            return posting.account.split(":")[1]
    return None


def decide(book: Book, command: Command) -> tuple[Event, ...]:
    """Post an entry, or the reversal of one, if no guard and no rule of manual entries is broken."""
    match command:
        case PostEntry(entry=entry, now=now):
            manual = command.manual
            if not command.owner_known:
                raise UnknownAccountOwner(owner=str(owner_of(entry)))
        case ReverseEntry(original=original, now=now):
            manual = True
            entry = _reversal(command, original)
        case _:
            assert_never(command)
    if entry.effective_at > now:
        raise EffectiveInFuture(effective_at=entry.effective_at, now=now)
    moved = _moved(book, entry)
    if manual and moved:
        _check_receivables(book, entry, moved)
    return (EntryPosted(entry=entry, posted_at=now),)


def evolve(book: Book, event: Event) -> Book:
    """Add an entry's guarded postings to the balances and to the day's debits."""
    entry = event.entry
    today = event.posted_at.date()
    debits = dict(book.debits_of_day) if book.day == today else {}
    balances = dict(book.balances)
    for posting in entry.postings:
        if describe(posting.account).guarded:
            held = Held(posting.account, posting.amount.asset.code)
            units = posting.amount.units
            balances[held] = balances.get(held, 0) + units
            if units > 0:
                key = (entry.kind, held.account, held.asset)
                debits[key] = debits.get(key, 0) + units
    return Book(balances=balances, day=today, debits_of_day=debits)


def _reversal(command: ReverseEntry, original: JournalEntry) -> JournalEntry:
    if original.kind in FLOW_KINDS:
        raise EntryOwnedByFlow(entry=original.id, kind=original.kind)
    return reversal_of(
        original, id=command.id, occurred_at=command.now, effective_at=command.effective_at, note=command.note
    )


def _moved(book: Book, entry: JournalEntry) -> dict[Held, int]:
    """Return the new balances of the guarded accounts an entry touches; refuse one on its wrong side (invariant 3)."""
    moved: dict[Held, int] = {}
    signs: dict[Held, tuple[int, Asset]] = {}
    for account, amount in ((posting.account, posting.amount) for posting in entry.postings):
        described = describe(account)
        if described.guarded:
            held = Held(account, amount.asset.code)
            moved[held] = moved.get(held, book.balances.get(held, 0)) + amount.units
            signs[held] = (described.sign, amount.asset)
    for held, balance in moved.items():
        sign, asset = signs[held]
        if balance * sign < 0:
            before = book.balances.get(held, 0)
            raise InsufficientFunds(
                account=held.account,
                available=asset.amount(before * sign),
                requested=asset.amount(abs(balance - before)),
            )
    return moved


def _check_receivables(book: Book, entry: JournalEntry, moved: Mapping[Held, int]) -> None:
    """Refuse a manual entry that leaves money available to an owner who owes in that asset (invariant 17)."""
    after = {**book.balances, **moved}
    for posting in entry.postings:
        described = describe(posting.account)
        if described.owner is None:
            continue
        asset = posting.amount.asset
        owed = after.get(Held(f"{RECEIVABLE_ROOT}:{described.owner}", asset.code), 0)
        for bucket in OWED_FIRST:
            account = f"liabilities:users:{described.owner}:{bucket}:available"
            if owed > 0 and after.get(Held(account, asset.code), 0) < 0:
                raise ReceivableOpen(account=account, owed=asset.amount(owed))
