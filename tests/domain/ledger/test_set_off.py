"""Whoever owes pays first, in the same entry; whoever is asked for more than there is owes the rest."""

from hypothesis import given
from hypothesis import strategies as st

from domain.ledger import book
from domain.ledger.accounts import Bucket, available, held, receivable
from domain.ledger.book import Book, PostEntry
from domain.ledger.entry import JournalEntry, Posting
from domain.ledger.set_off import credit, take_back
from domain.money import Amount
from tests.domain.ledger.entries import ENTRY, NOW, USER, amount, path, postings

PSP = path("psp:stripe")
USD = amount("1", "USD").asset
UNITS = st.integers(0, 10_000)


def usd(text: str) -> Amount:
    return amount(text, "USD")


def holding(**balances: str) -> Book:
    """Return a user's book: what is owed, and what is in the buckets, in USD."""
    accounts = {"owed": receivable(USER), "on_hold": held(USER, Bucket.REAL)} | {
        bucket.value: available(USER, bucket) for bucket in Bucket
    }
    signs = {"owed": 1}
    return Book(
        balances={(accounts[name], "USD"): signs.get(name, -1) * usd(text).units for name, text in balances.items()}
    )


def test_a_credit_is_available_to_who_owes_nothing() -> None:
    assert credit(Book(), USER, Bucket.REAL, usd("100")) == postings("user:real:available -100.00")


def test_a_credit_first_pays_what_is_owed() -> None:
    owing = holding(owed="40")
    assert credit(owing, USER, Bucket.REAL, usd("100")) == postings(
        "receivable:user -40.00 | user:real:available -60.00"
    )
    assert credit(owing, USER, Bucket.COMMISSION, usd("40")) == postings("receivable:user -40.00")
    assert credit(owing, USER, Bucket.REAL, usd("30")) == postings("receivable:user -30.00")


def test_prepaid_money_pays_no_debt() -> None:
    assert credit(holding(owed="40"), USER, Bucket.PREPAID, usd("10")) == postings("user:prepaid:available -10.00")


def test_a_debt_in_one_asset_is_not_paid_in_another() -> None:
    brl = amount("100", "BRL")
    assert credit(holding(owed="40"), USER, Bucket.REAL, brl) == postings("user:real:available -100.00", "BRL")


def test_what_is_taken_back_comes_from_real_then_from_commission_and_the_rest_is_owed() -> None:
    assert take_back(holding(real="100"), USER, usd("100")) == postings("user:real:available +100.00")
    some = holding(real="60", commission="15", prepaid="500", on_hold="20")
    assert take_back(some, USER, usd("100")) == postings(
        "user:real:available +60.00 | user:commission:available +15.00 | receivable:user +25.00"
    )
    assert take_back(Book(), USER, usd("100")) == postings("receivable:user +100.00")


@given(real=UNITS, commission=UNITS, moves=st.lists(st.integers(-10_000, 10_000).filter(bool), max_size=20))
def test_nobody_who_owes_has_real_or_commission_money_available(real: int, commission: int, moves: list[int]) -> None:
    state = Book(
        balances={
            (available(USER, Bucket.REAL), "USD"): -real,
            (available(USER, Bucket.COMMISSION), "USD"): -commission,
        }
    )
    wealth = real + commission
    for units in moves:
        moved = USD.amount(abs(units))
        lines = credit(state, USER, Bucket.REAL, moved) if units > 0 else take_back(state, USER, moved)
        assert sum(line.amount.units for line in lines) == -units
        state = after(state, lines, against=moved.asset.amount(units))
        owed = state.balance(receivable(USER), moved.asset).units
        free = -sum(
            state.balance(available(USER, each), moved.asset).units for each in (Bucket.REAL, Bucket.COMMISSION)
        )
        assert not (owed and free)
        wealth += units
        assert free - owed == wealth


def after(state: Book, lines: tuple[Posting, ...], *, against: Amount) -> Book:
    """Post the lines against the provider, under every guard of the book."""
    posted = JournalEntry(
        id=ENTRY,
        kind="deposit",
        reference=ENTRY,
        occurred_at=NOW,
        effective_at=NOW,
        postings=(*lines, Posting(PSP, against)),
    )
    for event in book.decide(state, PostEntry(entry=posted, now=NOW)):
        state = book.evolve(state, event)
    return state
