"""Runs the flows of company_flows.txt: each balances, is of one book, and takes exactly what guarded accounts hold."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from domain.ids import EntryId
from domain.ledger import book
from domain.ledger.accounts import HOUSE, Realm, UserBook, describe
from domain.ledger.book import Book, InsufficientFunds, PostEntry, ReverseEntry
from domain.ledger.entry import JournalEntry
from domain.ledger.flows import FLOWS
from domain.ledger.manual import AccountReserved, KindReserved, check_manual, is_manual
from domain.positions.terms import Charge
from tests.domain.ledger.entries import NOW, entry

LINE = re.compile(r"(?:(?P<hand>\[)?(?P<kind>[a-z_]+)\]?)?\s+(?P<asset>[A-Z]+)\s+(?P<postings>.+)")
PORTFOLIO_KINDS = {
    "connection_opened", "fill", "fill_corrected", "liquidation", *(charge.value for charge in Charge),
    "position_reassigned", "position_adopted", "dust", "break_resolved",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Flow:
    name: str
    entries: tuple[JournalEntry, ...]
    by_hand: bool


def read_flows() -> list[Flow]:
    text = (Path(__file__).parent / "company_flows.txt").read_text()
    return [read_flow(block.strip().splitlines()) for block in text.split("\n== ")[1:]]


def read_flow(lines: list[str]) -> Flow:
    kinds: list[str] = []
    bodies: list[list[tuple[str, str]]] = []
    by_hand = False
    for line in lines[1:]:
        found = LINE.fullmatch(line)
        assert found is not None, line
        if found["kind"]:
            kinds.append(found["kind"])
            bodies.append([])
            by_hand = found["hand"] is not None
        bodies[-1].append((found["asset"], found["postings"]))
    entries = tuple(
        entry(body[0][1], *body[1:], asset=body[0][0], kind=kind, id=EntryId(f"{number:032x}"))
        for number, (kind, body) in enumerate(zip(kinds, bodies, strict=True), 1)
    )
    return Flow(name=lines[0], entries=entries, by_hand=by_hand)


FLOWS_READ = read_flows()
ENTRIES = [
    pytest.param(made, flow.by_hand, id=f"{flow.name} {n}")
    for flow in FLOWS_READ
    for n, made in enumerate(flow.entries)
]


def funded_for(made: JournalEntry, *, short_by: int = 0) -> Book:
    """Return a book that holds exactly what an entry takes from guarded accounts, less some units in each."""
    needed: Counter[tuple[str, str]] = Counter()
    for posting in made.postings:
        account = describe(posting.account)
        if account.guarded and posting.amount.units * account.sign < 0:
            needed[posting.account, posting.amount.asset.code] -= posting.amount.units + short_by * account.sign
    return Book(balances=needed)


@pytest.mark.parametrize(("made", "by_hand"), ENTRIES)
def test_a_flow_may_take_all_that_guarded_accounts_hold(made: JournalEntry, by_hand: bool) -> None:
    (event,) = book.decide(funded_for(made), PostEntry(entry=made, now=NOW, manual=by_hand))
    left = book.evolve(funded_for(made), event).balances
    assert all(units * describe(account).sign >= 0 for (account, _), units in left.items())


@pytest.mark.parametrize(("made", "by_hand"), ENTRIES)
def test_a_flow_may_not_take_a_unit_more(made: JournalEntry, by_hand: bool) -> None:
    short = funded_for(made, short_by=1)
    if short.balances:
        with pytest.raises(InsufficientFunds):
            book.decide(short, PostEntry(entry=made, now=NOW, manual=by_hand))


@pytest.mark.parametrize(("made", "by_hand"), ENTRIES)
def test_a_flow_is_posted_by_its_flow_or_by_hand(made: JournalEntry, by_hand: bool) -> None:
    assert is_manual(made) == by_hand
    if by_hand:
        check_manual(made)
    else:
        with pytest.raises((KindReserved, AccountReserved)):
            check_manual(made)
        with pytest.raises(book.EntryOwnedByFlow):
            book.decide(Book(), ReverseEntry(original=made, id=EntryId("f" * 32), now=NOW, effective_at=NOW))


@pytest.mark.parametrize(("made", "by_hand"), ENTRIES)
def test_a_flow_belongs_to_the_book_of_the_one_user_it_touches(made: JournalEntry, by_hand: bool) -> None:
    assert by_hand == (made.kind not in FLOWS)
    owners = [owner for owner in (describe(posting.account).owner for posting in made.postings) if owner is not None]
    assert book.book_of(made) == (UserBook(owners[0]) if owners else HOUSE)
    assert book.owner_of(made) == (owners[0] if owners else None)
    assert all(describe(posting.account).realm is not Realm.PORTFOLIO for posting in made.postings)


@pytest.mark.parametrize("flow", FLOWS_READ, ids=[flow.name for flow in FLOWS_READ])
def test_clearing_accounts_are_zero_after_a_flow(flow: Flow) -> None:
    clearing: Counter[tuple[str, str]] = Counter()
    for posting in (posting for made in flow.entries for posting in made.postings):
        if posting.account.startswith("liabilities:clearing:"):
            clearing[posting.account, posting.amount.asset.code] += posting.amount.units
    assert not any(clearing.values())


def test_every_kind_of_flow_is_shown_by_an_entry() -> None:
    shown = {made.kind for flow in FLOWS_READ for made in flow.entries if not flow.by_hand}
    assert shown | PORTFOLIO_KINDS == set(FLOWS)
