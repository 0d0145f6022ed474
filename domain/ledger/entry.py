"""The journal entry: the only thing that moves money. One that does not balance cannot be constructed.

Debit is positive; postings add up to zero per asset within each realm. An entry is never changed; a correction is a
reversing entry that negates exactly one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar

from domain.errors import Invalid
from domain.ids import AccountPath, EntryId
from domain.ledger.accounts import Realm, describe
from domain.money import MAX_UNITS, Amount, AmountTooLarge, Asset

LEAST_POSTINGS = 2
REVERSAL = "reversal"

_KIND = re.compile(r"[a-z_]{1,40}", re.ASCII)
MAX_REFERENCE = 128
MAX_NOTE = 256
MAX_METADATA = 16


@dataclass(kw_only=True, eq=False)
class Unbalanced(Invalid):
    """The postings of one asset in one realm do not add up to zero."""

    code: ClassVar[str] = "unbalanced"
    sentence: ClassVar[str] = "The postings do not add up to zero."
    asset: str
    realm: Realm
    difference: Amount


@dataclass(kw_only=True, eq=False)
class ZeroPosting(Invalid):
    """A posting of zero says nothing."""

    code: ClassVar[str] = "zero_posting"
    sentence: ClassVar[str] = "A posting must not be zero."


@dataclass(kw_only=True, eq=False)
class TooFewPostings(Invalid):
    """An entry has at least two postings."""

    code: ClassVar[str] = "too_few_postings"
    sentence: ClassVar[str] = "An entry has at least two postings."
    postings: int
    least: int = LEAST_POSTINGS


@dataclass(kw_only=True, eq=False)
class MalformedEntry(Invalid):
    """A kind, reference, note or metadata that breaks its form."""

    code: ClassVar[str] = "malformed_entry"
    sentence: ClassVar[str] = "The entry breaks the form of one of its fields."
    rule: str


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of an entry: debit positive."""

    account: AccountPath
    amount: Amount


_NO_METADATA: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """A balanced set of postings with its business time, its accounting time and what it belongs to.

    `reference` is the business object and defaults to the entry's own id; `reverses` names the entry that this one
    negates.
    """

    id: EntryId
    kind: str
    reference: str
    occurred_at: datetime
    effective_at: datetime
    postings: tuple[Posting, ...]
    note: str = ""
    metadata: Mapping[str, str] = field(default_factory=lambda: _NO_METADATA)
    reverses: EntryId | None = None

    def __post_init__(self) -> None:
        _check_form(self)
        _check_balance(self.postings)


def _check_form(entry: JournalEntry) -> None:
    if _KIND.fullmatch(entry.kind) is None:
        raise MalformedEntry(rule="kind is 1 to 40 of a-z and _", at=("kind",))
    if not 1 <= len(entry.reference) <= MAX_REFERENCE:
        raise MalformedEntry(rule=f"reference has 1 to {MAX_REFERENCE} characters", at=("reference",))
    if len(entry.note) > MAX_NOTE:
        raise MalformedEntry(rule=f"note has at most {MAX_NOTE} characters", at=("note",))
    if len(entry.metadata) > MAX_METADATA:
        raise MalformedEntry(rule=f"metadata has at most {MAX_METADATA} pairs", at=("metadata",))


def _check_balance(postings: tuple[Posting, ...]) -> None:
    if len(postings) < LEAST_POSTINGS:
        raise TooFewPostings(postings=len(postings), at=("postings",))
    sums: dict[tuple[Realm, Asset], int] = {}
    for line, posting in enumerate(postings):
        units = posting.amount.units
        if not units:
            raise ZeroPosting(at=("postings", line, "amount"))
        if not -MAX_UNITS < units < MAX_UNITS:
            raise AmountTooLarge(asset=posting.amount.asset.code, at=("postings", line, "amount"))
        key = (describe(posting.account).realm, posting.amount.asset)
        sums[key] = sums.get(key, 0) + units
    for (realm, asset), units in sums.items():
        if units:
            raise Unbalanced(asset=asset.code, realm=realm, difference=asset.amount(units), at=("postings",))


def reversal_of(
    entry: JournalEntry, *, id: EntryId, occurred_at: datetime, effective_at: datetime, note: str = ""
) -> JournalEntry:
    """Return the entry that negates `entry` line by line and names it. Invariant 13 of the accounting rules."""
    return JournalEntry(
        id=id,
        kind=REVERSAL,
        reference=entry.id,
        occurred_at=occurred_at,
        effective_at=effective_at,
        note=note,
        postings=tuple(replace(posting, amount=-posting.amount) for posting in entry.postings),
        reverses=entry.id,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPosted:
    """Money moved: the one event that does it. Daily limits look at the UTC day of `posted_at`, the command's time."""

    entry: JournalEntry
    posted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceClaimed:
    """An explicit reference belongs to an entry, once per tenant and kind."""

    kind: str
    reference: str
    entry: EntryId


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryReversed:
    """An entry was reversed, once and for all."""

    entry: EntryId
    reversal: EntryId
