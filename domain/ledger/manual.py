"""What a manual entry may do: entries that people post, as opposed to those that a flow posts (CONTRACT, Books).

Manual entries stay away from accounts and kinds that belong to a flow. What needs a book's state is not decided here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from domain.errors import Invalid
from domain.ids import is_id
from domain.ledger.accounts import describe
from domain.ledger.entry import JournalEntry
from domain.ledger.flows import FLOWS
from domain.money import Amount, Asset

MAX_POSTINGS = 200


@dataclass(kw_only=True, eq=False)
class AccountReserved(Invalid):
    """The account belongs to a flow."""

    code: ClassVar[str] = "account_reserved"
    sentence: ClassVar[str] = "Only its own flow may post to this account."
    account: str


@dataclass(kw_only=True, eq=False)
class KindReserved(Invalid):
    """The kind belongs to a flow."""

    code: ClassVar[str] = "kind_reserved"
    sentence: ClassVar[str] = "This kind of entry is posted by a flow."
    kind: str


@dataclass(kw_only=True, eq=False)
class ReferenceReserved(Invalid):
    """A reference in the form of an id is an entry's own, and given by default only."""

    code: ClassVar[str] = "reference_reserved"
    sentence: ClassVar[str] = "A reference of 32 hexadecimal digits is reserved for entries' own ids."
    reference: str


@dataclass(kw_only=True, eq=False)
class TooManyPostings(Invalid):
    """A manual entry has a bounded size."""

    code: ClassVar[str] = "too_many_postings"
    sentence: ClassVar[str] = "The entry has too many postings."
    postings: int
    most: int = MAX_POSTINGS


def check_manual(entry: JournalEntry) -> None:
    """Refuse a manual entry that takes or touches what belongs to a flow. The request alone shows it."""
    if entry.kind in FLOWS:
        raise KindReserved(kind=entry.kind, at=("kind",))
    if entry.reference != entry.id and is_id(entry.reference):
        raise ReferenceReserved(reference=entry.reference, at=("reference",))
    if len(entry.postings) > MAX_POSTINGS:
        raise TooManyPostings(postings=len(entry.postings), at=("postings",))
    for line, posting in enumerate(entry.postings):
        if describe(posting.account).reserved:
            raise AccountReserved(account=posting.account, at=("postings", line, "account"))


def is_manual(entry: JournalEntry) -> bool:
    """Tell whether a person posted an entry: no flow's kind, and no account that only a flow touches."""
    return entry.kind not in FLOWS and not any(describe(posting.account).reserved for posting in entry.postings)


def debits(entry: JournalEntry) -> Mapping[Asset, Amount]:
    """Return what an entry moves per asset: the sum of its debits, by which it is called large."""
    sums: dict[Asset, Amount] = {}
    for posting in entry.postings:
        if posting.amount.units > 0:
            asset = posting.amount.asset
            sums[asset] = sums.get(asset, asset.amount(0)) + posting.amount
    return sums
