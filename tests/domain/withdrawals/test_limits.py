"""Limits are decided on the user's book: what it owes, and what was asked for on the day."""

from datetime import timedelta

import pytest

from domain.errors import DomainError
from domain.ids import EntryId
from domain.ledger import book
from domain.ledger.accounts import Bucket
from domain.ledger.book import Book, PostEntry, ReceivableOpen
from domain.ledger.entry import JournalEntry, reversal_of
from domain.withdrawals.errors import AboveLimit, BelowMinimum, TooManyRequests
from domain.withdrawals.limits import check_limits
from tests.domain.ledger.entries import NOW, USER, entry
from tests.domain.withdrawals.withdrawals import TERMS, usd

TOMORROW = NOW + timedelta(days=1)


def posted(*entries: JournalEntry) -> Book:
    state = book.INITIAL
    for one in entries:
        for event in book.decide(state, PostEntry(entry=one, now=NOW)):
            state = book.evolve(state, event)
    return state


def deposit(value: str = "5000.00") -> JournalEntry:
    return entry(f"psp:stripe +{value} | user:real:available -{value}", kind="deposit")


def requested(value: str, number: int = 1, *, bucket: str = "real") -> JournalEntry:
    text = f"user:{bucket}:available +{value} | user:{bucket}:held -{value}"
    return entry(text, kind="withdrawal_requested", id=EntryId(f"{number:032x}"))


def undone(one: JournalEntry) -> JournalEntry:
    return reversal_of(one, id=EntryId("f" * 32), occurred_at=NOW, effective_at=NOW)


def check(state: Book, value: str, now: object = NOW) -> None:
    assert now in {NOW, TOMORROW}
    at = TOMORROW if now == TOMORROW else NOW
    check_limits(state, USER, bucket=Bucket.REAL, amount=usd(value), terms=TERMS, now=at)


@pytest.mark.parametrize("value", ["10.00", "1000.00"])
def test_what_is_at_a_limit_passes(value: str) -> None:
    check(Book(), value)


@pytest.mark.parametrize(
    ("value", "error"), [("9.99", BelowMinimum), ("1000.01", AboveLimit)], ids=["minimum", "per request"]
)
def test_what_is_beyond_a_limit_of_one_withdrawal_is_refused(value: str, error: type[DomainError]) -> None:
    with pytest.raises(error):
        check(Book(), value)


def test_requests_of_a_day_add_up_over_both_buckets() -> None:
    earned = entry("expenses:affiliate_commission +600.00 | user:commission:available -600.00", kind="affiliate_share")
    state = posted(deposit(), earned, requested("900.00"), requested("500.00", 2, bucket="commission"))
    check(state, "100.00")
    with pytest.raises(AboveLimit) as raised:
        check(state, "100.01")
    assert (raised.value.limit, raised.value.used, raised.value.most) == ("per_day", usd("1400.00"), usd("1500.00"))


def test_a_cancelled_request_still_counts_on_its_day() -> None:
    one = requested("1000.00")
    with pytest.raises(AboveLimit):
        check(posted(deposit(), one, undone(one)), "500.01")


def test_the_next_day_begins_anew() -> None:
    state = posted(deposit(), *(requested("500.00", number) for number in (1, 2, 3)))
    with pytest.raises(AboveLimit):
        check(state, "10.00")
    check(state, "1000.00", TOMORROW)


def test_a_day_has_a_number_of_requests() -> None:
    state = posted(deposit(), *(requested("10.00", number) for number in (1, 2, 3)))
    with pytest.raises(TooManyRequests) as raised:
        check(state, "10.00")
    assert raised.value.most == 3


def test_whoever_owes_withdraws_nothing() -> None:
    owing = posted(entry("receivable:user +40.00 | psp:stripe -40.00", kind="chargeback"))
    with pytest.raises(ReceivableOpen) as raised:
        check(owing, "10.00")
    assert raised.value.owed == usd("40.00")


def test_the_book_names_withdrawals_until_they_are_approved_or_undone() -> None:
    first, second, third = (requested("10.00", number) for number in (1, 2, 3))
    approval = entry("user:real:held +10.00 | payable:user -10.00", kind="withdrawal_approved", id=EntryId("9" * 32))
    state = posted(deposit(), first, second, third, undone(second))
    assert dict(state.open_withdrawals) == {first.id: first.reference, third.id: third.reference}
    object.__setattr__(approval, "reference", third.reference)
    (event,) = book.decide(state, PostEntry(entry=approval, now=NOW))
    assert dict(book.evolve(state, event).open_withdrawals) == {first.id: first.reference}
