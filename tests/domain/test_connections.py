from datetime import UTC, datetime

import pytest

from domain import connections
from domain.connections import (
    BREAK_RESOLVED_KIND,
    OPENING_KIND,
    Connection,
    ConnectionExists,
    ConnectionOpened,
    InstrumentNotTraded,
    InvalidStart,
    OpenConnection,
    UnknownConnection,
    UnknownVenue,
    UnsupportedMarket,
    external_postings,
    tradable_by,
)
from domain.holdings import INITIAL as NOTHING_HELD
from domain.holdings import evolve as hold
from domain.ids import ConnectionId, EntryId, UserId
from domain.instruments import parse, portfolio_asset
from domain.ledger.entry import EntryPosted, JournalEntry
from domain.money import Amount
from domain.positions.terms import Market
from tests.domain.given import after, given

AT = datetime(2026, 11, 20, tzinfo=UTC)
ID, USER = ConnectionId("c" * 32), UserId("a" * 32)


def usd(text: str) -> Amount:
    return Amount.parse(text, portfolio_asset("USD"))


def opening(*, venue: str = "paper", market: Market = Market.SPOT, start: str = "10000") -> OpenConnection:
    return OpenConnection(connection=ID, user=USER, venue=venue, market=market, start=usd(start), occurred_at=AT)


def entry(amount: Amount, kind: str) -> EntryPosted:
    return EntryPosted(
        entry=JournalEntry(
            id=EntryId("e" * 32),
            kind=kind,
            reference=ID,
            occurred_at=AT,
            effective_at=AT,
            postings=external_postings(ID, amount),
        ),
        posted_at=AT,
    )


def test_a_paper_connection_is_opened_with_a_start() -> None:
    given(connections).when(opening()).then(
        ConnectionOpened(
            connection=ID, user=USER, venue="paper", market=Market.SPOT, start=usd("10000"), occurred_at=AT
        )
    )


def test_a_connection_is_opened_once() -> None:
    after(connections, opening()).when(opening()).raises(ConnectionExists, connection=ID)


def test_only_paper_and_spot_are_known_so_far() -> None:
    given(connections).when(opening(venue="binance")).raises(UnknownVenue, venue="binance", known=["paper"])
    given(connections).when(opening(market=Market.MARGIN)).raises(UnsupportedMarket, market="margin")


@pytest.mark.parametrize("start", ["0", "-1"])
def test_the_start_is_above_zero(start: str) -> None:
    given(connections).when(opening(start=start)).raises(InvalidStart)


def test_only_its_owner_finds_a_connection() -> None:
    state = after(connections, opening()).state
    assert tradable_by(state, USER, parse("btc-usd")) == Connection(
        connection=ID, user=USER, venue="paper", market=Market.SPOT
    )
    for nobody in (None, state):
        with pytest.raises(UnknownConnection):
            tradable_by(nobody, UserId("b" * 32), parse("btc-usd"))


def test_a_spot_connection_trades_no_perpetual() -> None:
    with pytest.raises(InstrumentNotTraded):
        tradable_by(after(connections, opening()).state, USER, parse("btc-usd-perp"))


def test_the_opening_entry_is_holdings_against_external() -> None:
    lines = entry(usd("10000"), OPENING_KIND).entry.postings
    assert [(line.account, line.amount) for line in lines] == [
        (f"portfolio:{ID}:holdings", usd("10000")),
        (f"portfolio:{ID}:external", usd("-10000")),
    ]


def test_a_break_resolved_as_not_ours_is_holdings_against_external() -> None:
    lines = entry(usd("5"), BREAK_RESOLVED_KIND).entry.postings
    assert [(line.account.rpartition(":")[2], line.amount) for line in lines] == [
        ("holdings", usd("5")),
        ("external", usd("-5")),
    ]


def test_holdings_are_folded_from_the_entries_of_the_portfolio_book() -> None:
    held = hold(hold(NOTHING_HELD, entry(usd("10000"), OPENING_KIND)), entry(usd("-5"), BREAK_RESOLVED_KIND))
    assert held.of(portfolio_asset("USD")) == usd("9995")
    assert held.of(portfolio_asset("BTC")) == Amount(0, portfolio_asset("BTC"))
