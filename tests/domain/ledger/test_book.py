from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from domain.ids import ConnectionId, EntryId
from domain.ledger import book
from domain.ledger.accounts import HOUSE, PortfolioBook, UserBook
from domain.ledger.book import (
    MADE_UP,
    EffectiveInFuture,
    EntryOwnedByFlow,
    InsufficientFunds,
    OneBookPerEntry,
    PostEntry,
    ReceivableOpen,
    ReverseEntry,
    UnknownAccountOwner,
    book_of,
    owner_of,
)
from domain.ledger.entry import EntryPosted, JournalEntry, reversal_of
from domain.ledger.manual import AccountReserved, KindReserved
from domain.money import Asset
from tests.domain.given import Given, given
from tests.domain.ledger.entries import ENTRY, NOW, USER, USERS, entry, path

USD = Asset("USD", 2)
REVERSING = EntryId("f" * 32)
AVAILABLE, HELD, OWED = path("user:real:available"), path("user:real:held"), path("receivable:user")


def posted(made: JournalEntry, *, at: datetime = NOW) -> EntryPosted:
    return EntryPosted(entry=made, posted_at=at)


def flow(text: str, kind: str = "deposit") -> PostEntry:
    return PostEntry(entry=entry(text, kind=kind), now=NOW)


def by_hand(text: str) -> PostEntry:
    return PostEntry(entry=entry(text), now=NOW, manual=True)


def holding(*texts: str) -> Given:
    """Return a book after entries that put money where it is needed."""
    return given(book, *(posted(entry(text, kind="deposit")) for text in texts))


HUNDRED = "psp:stripe +100.00 | user:real:available -100.00"
OWES_FORTY = "receivable:user +40.00 | bank:client -40.00"


def test_an_entry_within_the_balances_is_posted_as_it_is() -> None:
    command = flow("user:real:available +100.00 | user:real:held -100.00", "withdrawal_requested")
    holding(HUNDRED).when(command).then(posted(command.entry))


@pytest.mark.parametrize(
    ("held", "text", "account", "available", "requested"),
    [
        (HUNDRED, "user:real:available +100.01 | bank:client -100.01", "user:real:available", "100.00", "100.01"),
        (HUNDRED, "user:real:held +0.01 | bank:client -0.01", "user:real:held", "0.00", "0.01"),
        (HUNDRED, "user:prepaid:available +1.00 | bank:client -1.00", "user:prepaid:available", "0.00", "1.00"),
        (OWES_FORTY, "bank:client +40.01 | receivable:user -40.01", "receivable:user", "40.00", "40.01"),
        (HUNDRED, "user:bonus +1.00 | memo:bonus:issued -1.00", "user:bonus", "0.00", "1.00"),
        (HUNDRED, "user:credits +1.00 | memo:credits:issued -1.00", "user:credits", "0.00", "1.00"),
    ],
)
def test_a_guarded_account_never_comes_to_its_wrong_side(
    held: str, text: str, *, account: str, available: str, requested: str
) -> None:
    holding(held).when(flow(text)).raises(
        InsufficientFunds,
        account=path(account),
        available={"value": available, "asset": "USD"},
        requested={"value": requested, "asset": "USD"},
    )


def test_the_lines_of_an_account_count_together() -> None:
    holding(HUNDRED).when(flow("user:real:available +60.00 | user:real:available +60.00 | bank:own -120.00")).raises(
        InsufficientFunds, requested={"value": "120.00", "asset": "USD"}
    )
    both_ways = flow("user:real:available +150.00 | user:real:available -50.00 | bank:own -100.00")
    holding(HUNDRED).when(both_ways).then(posted(both_ways.entry))


def test_one_asset_does_not_pay_for_another() -> None:
    command = PostEntry(
        entry=entry("user:real:available +1.00 | bank:client -1.00", asset="BRL", kind="deposit"), now=NOW
    )
    holding(HUNDRED).when(command).raises(InsufficientFunds, available={"value": "0.00", "asset": "BRL"})


def test_house_accounts_may_be_on_any_side() -> None:
    overdrawn = flow("bank:own +5.00 | psp:stripe -5.00")
    given(book).when(overdrawn).then(posted(overdrawn.entry))


def test_accounting_time_is_never_ahead_of_the_commands_time() -> None:
    late = entry(kind="deposit", effective_at=NOW + timedelta(microseconds=1))
    given(book).when(PostEntry(entry=late, now=NOW)).raises(
        EffectiveInFuture, now=NOW.isoformat(), effective_at="2026-11-20T12:00:00.000001+00:00"
    )
    on_time = entry(kind="deposit", effective_at=NOW)
    given(book).when(PostEntry(entry=on_time, now=NOW)).then(posted(on_time))
    back_dated = entry(kind="deposit", effective_at=NOW - timedelta(days=400))
    given(book).when(PostEntry(entry=back_dated, now=NOW)).then(posted(back_dated))


def test_a_commands_time_is_in_utc() -> None:
    made = entry(kind="deposit")
    in_utc = NOW.astimezone(timezone(timedelta(0)))
    given(book).when(PostEntry(entry=made, now=in_utc)).then(posted(made, at=in_utc))
    with pytest.raises(AssertionError):
        given(book).when(PostEntry(entry=made, now=NOW.astimezone(timezone(timedelta(hours=-3))))).nothing()


def test_the_owner_of_an_account_exists() -> None:
    stranger = replace(by_hand(HUNDRED), owner_known=False)
    given(book).when(stranger).raises(UnknownAccountOwner, owner=USER)


def test_a_book_has_one_owner() -> None:
    with pytest.raises(OneBookPerEntry) as raised:
        book_of(entry("A:real:available +1.00 | B:real:available -1.00"))
    assert raised.value.data == {"accounts": [path("A:real:available"), path("B:real:available")]}
    given(book).when(flow("A:real:available +1.00 | B:real:available -1.00")).raises(OneBookPerEntry)


def test_two_portfolios_or_a_portfolio_and_a_users_money_are_two_books() -> None:
    one, two = (f"portfolio:{letter * 32}:holdings" for letter in "cd")
    with pytest.raises(OneBookPerEntry):
        book_of(entry(f"{one} +1.00 | {two} -1.00"))
    with pytest.raises(OneBookPerEntry):
        book_of(entry(f"{one} +1.00 | portfolio:{'c' * 32}:external -1.00 | psp:stripe +1.00 | {AVAILABLE} -1.00"))


def test_an_entry_belongs_to_the_book_its_accounts_say() -> None:
    assert book_of(entry("bank:own +1.00 | equity:owner -1.00")) == HOUSE
    assert book_of(entry("bank:own +1.00 | user:real:available -1.00")) == UserBook(USER)
    assert book_of(entry("affiliate:commission:available +1.00 | receivable:affiliate -1.00")) == UserBook(
        USERS["affiliate"]
    )
    fill = entry(f"portfolio:{'c' * 32}:holdings +1.00 | portfolio:{'c' * 32}:external -1.00")
    assert book_of(fill) == PortfolioBook(ConnectionId("c" * 32))
    assert (owner_of(fill), owner_of(entry())) == (None, USER)


def test_a_flows_kind_must_be_known_as_such() -> None:
    with pytest.raises(AssertionError):
        given(book).when(PostEntry(entry=entry(kind="adjustment"), now=NOW)).nothing()


def test_a_manual_entry_takes_no_flows_kind_and_no_reserved_account() -> None:
    given(book).when(replace(flow(HUNDRED), manual=True)).raises(KindReserved, kind="deposit")
    given(book).when(by_hand("bank:own +1.00 | clearing:transfers -1.00")).raises(AccountReserved)


@pytest.mark.parametrize("bucket", ["real", "commission"])
def test_a_manual_entry_leaves_nothing_available_to_somebody_who_owes(bucket: str) -> None:
    holding(OWES_FORTY).when(by_hand(f"bank:client +50.00 | user:{bucket}:available -50.00")).raises(
        ReceivableOpen,
        account=path(f"user:{bucket}:available"),
        available={"value": "50.00", "asset": "USD"},
        owed={"value": "40.00", "asset": "USD"},
    )


def test_a_manual_entry_may_not_make_a_debt_of_somebody_who_has_money() -> None:
    holding(HUNDRED).when(by_hand("receivable:user +0.01 | bank:client -0.01")).raises(
        ReceivableOpen, available={"value": "100.00", "asset": "USD"}, owed={"value": "0.01", "asset": "USD"}
    )


@pytest.mark.parametrize(
    "text",
    [
        "bank:client +50.00 | receivable:user -40.00 | user:real:available -10.00",
        "bank:client +50.00 | user:prepaid:available -50.00",
        "bank:client +10.00 | receivable:user -10.00",
        "receivable:user +10.00 | bank:client -10.00",
    ],
    ids=["collects first", "prepaid", "collects a part", "lends more"],
)
def test_a_manual_entry_that_leaves_nothing_available_or_nothing_owed_is_posted(text: str) -> None:
    command = by_hand(text)
    holding(OWES_FORTY).when(command).then(posted(command.entry))


def test_a_debt_in_one_asset_does_not_bind_another() -> None:
    command = PostEntry(
        entry=entry("bank:client +50.00 | user:real:available -50.00", asset="BRL"), now=NOW, manual=True
    )
    holding(OWES_FORTY).when(command).then(posted(command.entry))


def test_a_flow_answers_for_set_off_itself() -> None:
    command = flow("psp:stripe +50.00 | user:real:available -50.00")
    holding(OWES_FORTY).when(command).then(posted(command.entry))


def reversing(original: JournalEntry, *, effective_at: datetime = NOW) -> ReverseEntry:
    return ReverseEntry(original=original, id=REVERSING, now=NOW, effective_at=effective_at, note="typo")


def test_a_reversal_posts_the_negated_entry() -> None:
    original = entry(HUNDRED)
    negated = reversal_of(original, id=REVERSING, occurred_at=NOW, effective_at=NOW, note="typo")
    given(book, posted(original)).when(reversing(original)).then(posted(negated))


def test_a_reversal_is_guarded_like_any_entry() -> None:
    original = entry(HUNDRED)
    spent = posted(entry("user:real:available +0.01 | bank:client -0.01", kind="withdrawal_requested"))
    given(book, posted(original), spent).when(reversing(original)).raises(
        InsufficientFunds, available={"value": "99.99", "asset": "USD"}, requested={"value": "100.00", "asset": "USD"}
    )


def test_a_reversal_does_not_open_a_debt_beside_available_money() -> None:
    collected = entry("bank:client +40.00 | receivable:user -40.00")
    history = (entry(OWES_FORTY, kind="chargeback"), collected, entry(HUNDRED, kind="deposit"))
    given(book, *map(posted, history)).when(reversing(collected)).raises(ReceivableOpen)


def test_a_reversal_is_not_ahead_of_its_time() -> None:
    original = entry(HUNDRED)
    given(book, posted(original)).when(reversing(original, effective_at=NOW + timedelta(seconds=1))).raises(
        EffectiveInFuture
    )


def test_a_flows_entry_is_not_reversed_by_hand() -> None:
    original = entry(HUNDRED, kind="deposit")
    given(book, posted(original)).when(reversing(original)).raises(EntryOwnedByFlow, entry=ENTRY, kind="deposit")


def test_a_reversal_is_not_reversed() -> None:
    original = entry(HUNDRED)
    reversal = reversal_of(original, id=REVERSING, occurred_at=NOW, effective_at=NOW)
    given(book, posted(original), posted(reversal)).when(reversing(reversal)).raises(EntryOwnedByFlow, kind="reversal")


def test_a_book_keeps_the_balances_of_guarded_accounts_only() -> None:
    state = holding(HUNDRED, "user:real:available +30.00 | user:real:held -30.00").state
    assert state.balances == {(AVAILABLE, "USD"): -7_000, (HELD, "USD"): -3_000}
    assert state.balance(AVAILABLE, USD) == USD.amount(-7_000)
    assert state.balance(OWED, USD) == USD.amount(0)


def test_the_days_debits_are_kept_by_kind_account_and_asset() -> None:
    hold = entry("user:real:available +30.00 | user:real:held -30.00", kind="withdrawal_requested")
    spend = entry("user:real:available +5.00 | revenue:credits -5.00")
    other = replace(spend, kind="correction")
    state = given(book, posted(entry(HUNDRED, kind="deposit")), *map(posted, (hold, hold, spend, other))).state
    today = NOW.date()
    assert state.debited("withdrawal_requested", AVAILABLE, asset=USD, day=today) == USD.amount(6_000)
    assert state.debited(MADE_UP, AVAILABLE, asset=USD, day=today) == USD.amount(1_000)
    assert state.debited("withdrawal_requested", HELD, asset=USD, day=today) == USD.amount(0)
    assert state.debited("withdrawal_requested", AVAILABLE, asset=Asset("BRL", 2), day=today).units == 0


def test_the_days_debits_begin_anew_with_the_utc_day() -> None:
    hold = entry("user:real:available +30.00 | user:real:held -30.00", kind="withdrawal_requested")
    last = datetime(2026, 11, 20, 23, 59, 59, 999_999, tzinfo=UTC)
    state = given(book, posted(hold, at=last)).state
    assert state.debited("withdrawal_requested", AVAILABLE, asset=USD, day=date(2026, 11, 20)) == USD.amount(3_000)
    assert state.debited("withdrawal_requested", AVAILABLE, asset=USD, day=date(2026, 11, 21)) == USD.amount(0)
    state = book.evolve(state, posted(hold, at=last + timedelta(microseconds=1)))
    assert state.debited("withdrawal_requested", AVAILABLE, asset=USD, day=date(2026, 11, 21)) == USD.amount(3_000)
    assert state.day == date(2026, 11, 21)


def test_a_slow_clock_does_not_open_a_limit_again() -> None:
    hold = entry("user:real:available +30.00 | user:real:held -30.00", kind="withdrawal_requested")
    state = given(book, posted(hold), posted(hold, at=NOW - timedelta(days=1))).state
    assert state.debited("withdrawal_requested", AVAILABLE, asset=USD, day=NOW.date()) == USD.amount(6_000)


def test_kinds_that_people_make_up_do_not_make_the_book_grow() -> None:
    spend = entry("user:real:available +1.00 | bank:client -1.00")
    kinds = (f"kind_{'a' * number}" for number in range(1, 30))
    state = given(book, *(posted(replace(spend, kind=kind)) for kind in kinds)).state
    assert state.debits_of_day == {(MADE_UP, AVAILABLE, "USD"): 2_900}
