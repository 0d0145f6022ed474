"""What a connection holds, folded from the entries of its portfolio book: the state that coverage is decided from.

Posting is decided as in any book. Whether holdings cover a trade is the venue's rule and not decided here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.ledger import book
from domain.ledger.entry import EntryPosted
from domain.money import Amount, Asset


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """Smallest units held per asset code, at the portfolio's scale. It grows with the assets held, not with history."""

    units: Mapping[str, int]

    def of(self, asset: Asset) -> Amount:
        """Return what is held of an asset; zero where it never was."""
        return asset.amount(self.units.get(asset.code, 0))


INITIAL = Holdings(units={})


def decide(state: Holdings, command: book.Command) -> tuple[EntryPosted, ...]:  # noqa: ARG001 - every decider has this shape
    """Post an entry to a portfolio book: it has no guarded account, so the rules are those of an empty book."""
    return book.decide(book.INITIAL, command)


def evolve(state: Holdings, event: EntryPosted) -> Holdings:
    """Add the postings of an entry to `portfolio:<connection>:holdings`; a portfolio book is of one connection."""
    units = dict(state.units)
    for posting in event.entry.postings:
        if posting.account.startswith("portfolio:") and posting.account.endswith(":holdings"):
            code = posting.amount.asset.code
            units[code] = units.get(code, 0) + posting.amount.units
    return Holdings(units=units)
