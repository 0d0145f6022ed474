from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.ids import AccountPath, ConnectionId, EntryId, OrderId
from domain.instruments import InstrumentId, parse, portfolio_asset
from domain.ledger.entry import Posting
from domain.money import Amount
from domain.orders.terms import Side, StrategyId
from domain.positions import position
from domain.positions.commands import (
    AdoptCoins,
    BookCharge,
    BookFill,
    CorrectFill,
    PositionCommand,
    ReassignCoins,
    RemoveDust,
)
from domain.positions.entries import entry, kind, postings
from domain.positions.errors import NoCoins, NotCharged, NotDust, PositionTooSmall, PriceMissing
from domain.positions.events import PositionCharged, PositionFilled
from domain.positions.fold import Effect
from domain.positions.position import fee_charge, fee_key
from domain.positions.state import FLAT, Position, average_price
from domain.positions.terms import Charge, FeeSource, Market, PositionKey
from tests.domain.given import Given

AT = datetime(2026, 11, 20, tzinfo=UTC)
CONNECTION = ConnectionId("c" * 32)
KEY = PositionKey(connection=CONNECTION, instrument=InstrumentId("btc-usdt"))
PERPETUAL = replace(KEY, instrument=InstrumentId("btc-usdt-perp"))


def amount(text: str, code: str) -> Amount:
    return Amount.parse(text, portfolio_asset(code))


def btc(text: str) -> Amount:
    return amount(text, "BTC")


def usdt(text: str) -> Amount:
    return amount(text, "USDT")


def bnb(text: str) -> Amount:
    return amount(text, "BNB")


def holding(quantity: str, cost: str) -> Position:
    return Position(quantity=btc(quantity).units, cost=usdt(cost).units)


def fill(side: Side, quantity: str, price: str, *, fee: Amount | None = None) -> BookFill:
    return BookFill(
        key=KEY,
        market=Market.MARGIN,
        order=OrderId("0" * 32),
        trade_id="t1",
        side=side,
        quantity=btc(quantity),
        price=usdt(price),
        cost=parse("btc-usdt").value(price=usdt(price), quantity=btc(quantity)),
        fee=fee or usdt("0"),
        occurred_at=AT,
    )


def booked(before: Position, command: BookFill) -> PositionFilled:
    (event,) = position.decide(before, command)
    assert isinstance(event, PositionFilled)
    return event


def charge(charge: Charge, amount: Amount, *, price: Amount | None = None) -> BookCharge:
    return BookCharge(
        key=KEY, market=Market.MARGIN, charge=charge, amount=amount, price=price, source_id="s1", occurred_at=AT
    )


def test_the_oracle_of_the_position() -> None:
    trades = [(Side.BUY, "1", "100"), (Side.BUY, "1", "110"), (Side.SELL, "0.5", "120"), (Side.SELL, "2", "130")]
    state, total, realised, averages = FLAT, 0, [], []
    for side, quantity, price in trades:
        event = booked(state, fill(side, quantity, price))
        state = position.evolve(state, event)
        total += sum(part.realised.units for part in event.parts)
        realised.append(total)
        averages.append(average_price(state, parse("btc-usdt")))
    assert averages == [usdt("100"), usdt("105"), usdt("105"), usdt("130")]
    assert realised == [0, 0, usdt("7.5").units, usdt("45").units]
    assert state == holding("-0.5", "-65")


def test_a_flat_position_has_no_average_price() -> None:
    assert average_price(FLAT, parse("btc-usdt")) is None


def test_the_average_price_is_half_even() -> None:
    thirds = Position(quantity=3 * 10**18, cost=10**18 * 2)
    assert average_price(thirds, parse("btc-usdt")) == usdt("0.666666666666666667")


def test_through_zero_the_fee_is_split_pro_rata_and_the_second_share_is_the_rest() -> None:
    event = booked(holding("1", "100"), fill(Side.SELL, "3", "120", fee=usdt("0.000000000000000010")))
    assert [part.effect for part in event.parts] == [Effect.CLOSES, Effect.OPENS]
    assert event.fee_of_closed == usdt("0.000000000000000003")


@pytest.mark.parametrize(("before", "share"), [("0", "0"), ("5", "3"), ("3", "3"), ("-1", "0")])
def test_the_fee_belongs_to_what_was_closed_or_to_what_was_opened(before: str, share: str) -> None:
    event = booked(holding(before, before), fill(Side.SELL, "3", "120", fee=usdt("3")))
    assert event.fee_of_closed == usdt(share)


def test_a_fee_in_a_third_asset_is_paid_by_its_position_where_that_covers_it() -> None:
    command = replace(
        fill(Side.BUY, "1", "30000", fee=bnb("0.05")),
        fee_position=Position(quantity=bnb("1").units, cost=usdt("600").units),
        fee_price=usdt("610"),
    )
    filled = booked(FLAT, command)
    asked = fee_charge(command, filled)
    assert filled.fee_source is FeeSource.OTHER_POSITION
    assert asked is not None
    assert asked.key == fee_key(KEY, bnb("0.05")) == replace(KEY, instrument=InstrumentId("bnb-usdt"))
    charged = position.decide(command.fee_position, asked)
    assert Counter(postings(filled, *charged)) == Counter(
        Posting(AccountPath(f"portfolio:{CONNECTION}:{account}"), moved)
        for account, moved in [
            ("holdings", btc("1")),
            ("conversion:btc-usdt:none", btc("-1")),
            ("holdings", usdt("-30000")),
            ("conversion:btc-usdt:none", usdt("30000")),
            ("holdings", bnb("-0.05")),
            ("conversion:bnb-usdt:none", bnb("0.05")),
            ("conversion:bnb-usdt:none", usdt("-30")),
            ("pnl", usdt("-0.5")),
            ("fees", usdt("30.5")),
        ]
    )


@pytest.mark.parametrize(
    ("held", "price", "fee"),
    [("0.04", "610", "0.05"), ("1", None, "0.05"), ("1", "610", "-0.05"), ("-1", "610", "0.05")],
    ids=["not covered", "no recorded price", "a rebate", "a short"],
)
def test_any_other_fee_in_a_third_asset_is_paid_from_holdings(held: str, price: str | None, fee: str) -> None:
    command = replace(
        fill(Side.BUY, "1", "30000", fee=bnb(fee)),
        fee_position=Position(quantity=bnb(held).units, cost=usdt("600").units),
        fee_price=usdt(price) if price else None,
    )
    filled = booked(FLAT, command)
    assert filled.fee_source is FeeSource.HOLDINGS
    assert fee_charge(command, filled) is None


def test_only_a_fee_in_a_third_asset_has_a_position_of_its_own() -> None:
    assert fee_key(KEY, usdt("1")) is None
    assert fee_key(KEY, btc("1")) is None
    assert fee_key(PERPETUAL, bnb("1")) is None


def test_a_strategy_pays_from_its_own_position_and_converts_by_its_own_account() -> None:
    key = replace(KEY, strategy=StrategyId("5" * 32))
    paying = fee_key(key, bnb("1"))
    assert paying is not None
    assert paying.strategy == key.strategy
    lines = postings(booked(FLAT, replace(fill(Side.BUY, "1", "30000"), key=key)))
    assert {line.account.rpartition(":conversion:")[2] for line in lines if "conversion" in line.account} == {
        f"btc-usdt:{'5' * 32}"
    }


def test_more_than_the_position_holds_is_not_reassigned() -> None:
    command = ReassignCoins(key=KEY, market=Market.SPOT, quantity=btc("2"), price=usdt("1"), occurred_at=AT)
    Given(position, holding("1", "100")).when(command).raises(
        PositionTooSmall, held={"value": "1", "asset": "BTC"}, requested={"value": "2", "asset": "BTC"}
    )


def test_what_can_still_be_traded_is_no_dust() -> None:
    command = RemoveDust(key=KEY, market=Market.SPOT, lot_size=btc("0.001"), occurred_at=AT)
    Given(position, holding("0.001", "30")).when(command).raises(NotDust)
    Given(position, FLAT).when(command).nothing()


def test_a_perpetual_holds_no_coins_to_move() -> None:
    contract = Given(position, holding("1", "100"))
    price, lot = usdt("1"), btc("9")
    for command in (
        ReassignCoins(key=PERPETUAL, market=Market.PERPETUAL, quantity=btc("1"), price=price, occurred_at=AT),
        AdoptCoins(key=PERPETUAL, market=Market.PERPETUAL, quantity=btc("1"), price=price, occurred_at=AT),
        RemoveDust(key=PERPETUAL, market=Market.PERPETUAL, lot_size=lot, occurred_at=AT),
    ):
        contract.when(command).raises(NoCoins, instrument="btc-usdt-perp")


def test_each_market_knows_its_own_charges() -> None:
    for wrong in (Charge.FUNDING, Charge.INSURANCE):
        Given(position, FLAT).when(charge(wrong, usdt("1"))).raises(NotCharged, charge=wrong.value)
    interest = replace(charge(Charge.INTEREST, usdt("1")), key=PERPETUAL, market=Market.PERPETUAL)
    Given(position, FLAT).when(interest).raises(NotCharged)


def test_a_charge_in_coins_of_the_position_needs_a_recorded_price() -> None:
    Given(position, FLAT).when(charge(Charge.FEE, btc("1"))).raises(PriceMissing)


def test_nothing_charged_and_nothing_corrected_is_nothing() -> None:
    Given(position, FLAT).when(charge(Charge.FEE, usdt("0"))).nothing()
    Given(position, FLAT).when(
        CorrectFill(key=KEY, market=Market.SPOT, trade_id="t1", quantity=btc("0"), cost=usdt("0"), occurred_at=AT)
    ).nothing()


def test_a_market_that_is_not_the_instrument_s_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError):
        position.decide(FLAT, replace(fill(Side.BUY, "1", "1"), market=Market.PERPETUAL))


def test_the_entry_of_a_fill_names_its_position_order_and_trade() -> None:
    later = AT.replace(hour=1)
    made = entry(booked(FLAT, fill(Side.BUY, "1", "30000")), id=EntryId("e" * 32), effective_at=later)
    assert made is not None
    assert (made.kind, made.reference) == ("fill", f"{CONNECTION}:btc-usdt:none")
    assert made.metadata == {"order": "0" * 32, "trade_id": "t1"}
    assert (made.occurred_at, made.effective_at) == (AT, later)


def test_each_event_has_the_kind_of_its_flow() -> None:
    spot = Market.SPOT
    commands: list[PositionCommand] = [
        fill(Side.BUY, "1", "1"),
        replace(fill(Side.BUY, "1", "1"), liquidation=True),
        charge(Charge.INTEREST, usdt("1")),
        CorrectFill(key=KEY, market=spot, trade_id="t1", quantity=btc("0"), cost=usdt("1"), occurred_at=AT),
        ReassignCoins(key=KEY, market=spot, quantity=btc("0.1"), price=usdt("1"), occurred_at=AT),
        AdoptCoins(key=KEY, market=spot, quantity=btc("0.1"), price=usdt("1"), occurred_at=AT),
        RemoveDust(key=KEY, market=spot, lot_size=btc("9"), occurred_at=AT),
    ]
    kinds = [kind(event) for command in commands for event in position.decide(holding("1", "1"), command)]
    assert kinds == [
        "fill",
        "liquidation",
        "interest",
        "fill_corrected",
        "position_reassigned",
        "position_adopted",
        "dust",
    ]


def test_a_charge_says_what_it_was_at_the_venue() -> None:
    (event,) = position.decide(FLAT, charge(Charge.INTEREST, usdt("1")))
    assert isinstance(event, PositionCharged)
    made = entry(event, id=EntryId("e" * 32), effective_at=AT)
    assert made is not None
    assert made.metadata == {"source_id": "s1"}
