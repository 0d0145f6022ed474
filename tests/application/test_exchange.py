"""Exchange between own wallets: ACCOUNTING's rows to the last unit, and what is refused."""

from datetime import datetime, timedelta

import pytest

from application import streams
from application.commands import Command
from application.exchange import accept_quote, ask_for_quote, cover, record_rate
from application.transfers import make_transfer
from domain.errors import DomainError
from domain.exchange.position import NotSoMuchOpen
from domain.exchange.quote import Costs, NothingToGain, Quote, QuoteExpired, UnknownQuote
from domain.exchange.rates import InvalidRate, NoRate, RateTooOld
from domain.ids import EntryId, QuoteId, TransferId
from domain.ledger.book import InsufficientFunds
from domain.ledger.entry import EntryPosted
from domain.money import Amount, Asset
from tests.application.memory import Memory
from tests.application.people import ANA, BOB, FINANCE
from tests.application.test_transfers import given, paid_in
from tests.application.world import NOW, TENANT, an_id, envelope
from tests.domain.ledger.entries import amount

USD, BRL = Asset("USD", 2), Asset("BRL", 2)
IOF = Costs(spread_bps=100, tax_bps=38, tax_kind="iof")


def rated(price: str, *, base: str = "USD", quote: str = "BRL", at: datetime = NOW) -> Command:
    worth = Amount.parse(price, Asset(quote, 18))
    return record_rate(envelope(f"rate {price} {at}", actor=FINANCE), base, worth, source="bank", occurred_at=at)


def asked(name: str, sold: Amount, *, bought: Asset = BRL, now: datetime = NOW) -> Command:
    return ask_for_quote(
        envelope(name, actor=ANA, now=now),
        QuoteId(an_id(name)),
        sold,
        bought=bought,
        costs=IOF,
        expires_at=now + timedelta(seconds=30),
    )


def accepted(memory: Memory, name: str, *, by: str = ANA, now: datetime = NOW) -> Command:
    known = memory.state(streams.quote(TENANT, QuoteId(an_id(name))))
    assert isinstance(known, Quote)
    return accept_quote(envelope(f"accept {name}", actor=by, now=now), known)


def covered(sold: str, received: str, name: str = "cover") -> Command:
    id = EntryId(an_id(name))
    return cover(
        envelope(name, actor=FINANCE), id, bank="main", sold=amount(sold, "USD"), received=amount(received, "BRL")
    )


def lines(memory: Memory, command: Command) -> list[str]:
    _, written = memory.submit(command)
    entries = [event.entry for _, event in written if isinstance(event, EntryPosted)]
    return [f"{line.account} {line.amount}" for entry in entries for line in entry.postings]


def quoted(sold: str = "100.00", price: str = "5.40") -> Memory:
    memory = given(paid_in(ANA, "1000.00"))
    return memory.given(rated(price), asked("q", amount(sold, "USD")))


def test_an_exchange_is_the_row_of_accounting() -> None:
    memory = quoted()
    assert lines(memory, accepted(memory, "q")) == [
        f"liabilities:users:{ANA}:real:available 100.00 USD",
        "equity:fx:usd-brl -100.00 USD",
        "equity:fx:usd-brl 540.00 BRL",
        "revenue:fx_spread -5.40 BRL",
        "liabilities:taxes:iof -2.03 BRL",
        f"liabilities:users:{ANA}:real:available -532.57 BRL",
    ]


def test_a_cover_is_the_row_of_accounting_and_what_is_left_is_our_result() -> None:
    memory = quoted()
    memory.submit(accepted(memory, "q"))
    assert lines(memory, covered("100.00", "541.00")) == [
        "equity:fx:usd-brl 100.00 USD",
        "assets:bank:client:main -100.00 USD",
        "assets:bank:client:main 541.00 BRL",
        "equity:fx:usd-brl -540.00 BRL",
        "revenue:fx_result -1.00 BRL",
    ]
    with pytest.raises(NotSoMuchOpen):
        memory.submit(covered("0.01", "0.05", "another"))


def test_parts_of_a_cover_release_all_that_was_open() -> None:
    memory = quoted(sold="0.03", price="5.333333333333333333")
    memory.submit(accepted(memory, "q"))
    released = [
        line
        for number in range(3)
        for line in lines(memory, covered("0.01", "0.05", f"cover {number}"))
        if line.startswith("equity:fx:usd-brl") and line.endswith("BRL")
    ]
    assert released == ["equity:fx:usd-brl -0.05 BRL"] * 3
    assert memory.state(streams.fx(TENANT, "USD", "BRL")) is None


def test_a_quote_is_accepted_once_by_its_user_while_it_is_good() -> None:
    memory = quoted()
    with pytest.raises(UnknownQuote):
        accepted(memory, "q", by=BOB)
    with pytest.raises(QuoteExpired):
        memory.submit(accepted(memory, "q", now=NOW + timedelta(seconds=31)))
    assert lines(memory, accepted(memory, "q"))
    assert lines(memory, accepted(memory, "q")) == []


def test_a_quote_holds_though_the_rate_moves() -> None:
    memory = quoted()
    memory.submit(rated("9.99"))
    assert "equity:fx:usd-brl 540.00 BRL" in lines(memory, accepted(memory, "q"))


@pytest.mark.parametrize(
    ("sold", "bought", "broken"),
    [
        (amount("1.00", "EUR"), BRL, NoRate),
        (amount("0.00", "USD"), BRL, NothingToGain),
        (amount("1.00", "USD"), USD, NoRate),
    ],
)
def test_what_has_no_rate_or_no_worth_is_not_quoted(sold: Amount, bought: Asset, broken: type[DomainError]) -> None:
    memory = given().given(rated("5.40"))
    with pytest.raises(broken):
        memory.submit(asked("q", sold, bought=bought))


def test_a_rate_is_used_for_a_day_and_a_late_one_changes_nothing() -> None:
    memory = given().given(rated("5.40"), rated("1.00", at=NOW - timedelta(hours=1)))
    _, written = memory.submit(asked("q", amount("1.00", "USD"), now=NOW + timedelta(hours=24)))
    assert written[0][1].price == Amount.parse("5.40", Asset("BRL", 18))
    with pytest.raises(RateTooOld):
        memory.submit(asked("late", amount("1.00", "USD"), now=NOW + timedelta(hours=24, seconds=1)))
    for wrong in (rated("5.40", at=NOW + timedelta(seconds=1)), rated("1.00", base="BRL")):
        with pytest.raises(InvalidRate):
            memory.submit(wrong)


def test_nobody_exchanges_what_was_spent_meanwhile() -> None:
    memory = quoted(sold="1000.00")
    sent = make_transfer(envelope("t", actor=ANA), TransferId(an_id("t")), BOB, amount=amount("0.01", "USD"), note="")
    memory.submit(sent)
    with pytest.raises(InsufficientFunds):
        memory.submit(accepted(memory, "q"))
