"""The journal entry: the only thing that moves money. One that does not balance cannot be constructed.

Debit is positive; postings add up to zero per asset within each realm. An entry is never changed: a correction is a
reversing entry that negates exactly one. What people may post, and what a book holds, is not decided here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from domain.errors import Invalid
from domain.ids import AccountPath, EntryId
from domain.ledger.accounts import Realm, UnknownAccount, describe
from domain.money import MAX_UNITS, Amount, AmountTooLarge, Asset, AssetMismatch

LEAST_POSTINGS = 2
MAX_REFERENCE = 128
MAX_NOTE = 256
MAX_METADATA = 16
MAX_METADATA_KEY = 64
MAX_METADATA_VALUE = 512
REVERSAL = "reversal"

_KIND = re.compile(r"[a-z_]{1,40}")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


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
    """One line of an entry: debit positive. The same account may occur in several lines of an entry."""

    account: AccountPath
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """A balanced set of postings with its business time, its accounting time and what it belongs to.

    `reference` is the business object, or the entry's own id where there is none; `reverses` names the entry that this
    one negates. Constructing one raises the first of `MalformedEntry`, `TooFewPostings`, `UnknownAccount`,
    `ZeroPosting`, `AmountTooLarge` and `Unbalanced` that applies (ACCOUNTING, invariant 1).
    """

    id: EntryId
    kind: str
    reference: str
    occurred_at: datetime
    effective_at: datetime
    postings: tuple[Posting, ...]
    note: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)
    reverses: EntryId | None = None

    def __post_init__(self) -> None:
        assert self.occurred_at.tzinfo is not None, "times are aware"
        assert self.effective_at.tzinfo is not None, "times are aware"
        _check_form(self)
        _check_balance(self.postings)
        if self.metadata:
            object.__setattr__(self, "metadata", dict(self.metadata))  # Nobody else holds it, so nobody changes it.


def _check_form(entry: JournalEntry) -> None:
    if _KIND.fullmatch(entry.kind) is None:
        raise MalformedEntry(rule="has 1 to 40 of a-z and _", at=("kind",))
    if not entry.reference:
        raise MalformedEntry(rule="is not empty", at=("reference",))
    _check_text(entry.reference, "reference", most=MAX_REFERENCE)
    if entry.note:
        _check_text(entry.note, "note", most=MAX_NOTE)
    if entry.metadata:
        _check_metadata(entry.metadata)


def _check_metadata(metadata: Mapping[str, str]) -> None:
    if len(metadata) > MAX_METADATA:
        raise MalformedEntry(rule=f"has at most {MAX_METADATA} pairs", at=("metadata",))
    for key, value in metadata.items():
        _check_text(key, "metadata", most=MAX_METADATA_KEY)
        _check_text(value, "metadata", key, most=MAX_METADATA_VALUE)


def _check_text(text: str, *at: str, most: int) -> None:
    """Refuse a text that a table or a terminal cannot hold on one line: it would stop the projection that shows it."""
    if len(text) > most:
        raise MalformedEntry(rule=f"has at most {most} characters", at=at)
    if not text.isprintable() and _UNPRINTABLE.search(text) is not None:
        raise MalformedEntry(rule="has no control characters", at=at)


def _check_balance(postings: tuple[Posting, ...]) -> None:
    if len(postings) < LEAST_POSTINGS:
        raise TooFewPostings(postings=len(postings), at=("postings",))
    if _is_plainly_even(postings):
        return
    sums: dict[tuple[Realm, str], int] = {}
    assets: dict[tuple[Realm, str], Asset] = {}
    for line, posting in enumerate(postings):
        units, asset = posting.amount.units, posting.amount.asset
        try:
            key = (describe(posting.account).realm, asset.code)
        except UnknownAccount as error:
            error.at = ("postings", line, "account")
            raise
        if not units:
            raise ZeroPosting(at=("postings", line, "amount"))
        if not -MAX_UNITS < units < MAX_UNITS:
            raise AmountTooLarge(asset=asset.code, at=("postings", line, "amount"))
        sums[key] = sums.get(key, 0) + units
        first = assets.setdefault(key, asset)
        if first is not asset and first != asset:
            raise AssetMismatch(left=str(first), right=str(asset), at=("postings", line, "asset"))
    for key, units in sums.items():
        if units:
            difference = assets[key].amount(units)
            raise Unbalanced(realm=key[0], asset=key[1], difference=difference, at=("postings",))


def _is_plainly_even(postings: tuple[Posting, ...]) -> bool:
    """Tell whether an entry is what nearly all are: lines in one asset and realm that come to nothing.

    It spares them the sums of each asset in each realm. False says nothing.
    """
    asset, realm, total = None, None, 0
    for posting in postings:
        amount = posting.amount
        units = amount.units
        try:
            its_realm = describe(posting.account).realm
        except UnknownAccount:
            return False
        asset, realm = asset or amount.asset, realm or its_realm
        if its_realm is not realm or amount.asset is not asset or not units or not -MAX_UNITS < units < MAX_UNITS:
            return False
        total += units
    return not total


def reversal_of(
    entry: JournalEntry, *, id: EntryId, occurred_at: datetime, effective_at: datetime, note: str = ""
) -> JournalEntry:
    """Return the entry that negates `entry` line by line and names it (ACCOUNTING, invariant 13)."""
    return JournalEntry(
        id=id,
        kind=REVERSAL,
        reference=entry.id,
        occurred_at=occurred_at,
        effective_at=effective_at,
        note=note,
        postings=tuple(Posting(posting.account, -posting.amount) for posting in entry.postings),
        reverses=entry.id,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPosted:
    """Money moved: the one event that does it. `posted_at` is the command's time: daily limits look at its UTC day."""

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
