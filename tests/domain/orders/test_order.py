from dataclasses import replace

import pytest

from domain.instruments import portfolio_asset
from domain.money import Amount, Asset
from domain.orders import order
from domain.orders.commands import OrderCommand, RecordFill
from domain.orders.errors import (
    DuplicateTrade,
    InvalidFill,
    InvalidOrderSize,
    OrderTransitionRefused,
    TooManyTrades,
)
from domain.orders.events import OrderDenied, OrderFilled, OrderOutcomeUnknown, OrderRejected
from domain.orders.order import MOST_TRADES, Order
from domain.orders.terms import Standing
from domain.orders.transitions import Status
from tests.domain.given import Given, after, given
from tests.domain.orders.orders import ACCEPT, AT, CANCEL, DENY, ORDER, REJECT, SUBMIT, UNKNOWN, btc, fill, place, usd

SENT = (place(quantity="1"), SUBMIT)


def filled_by(reached: Given, command: RecordFill) -> OrderFilled:
    (event,) = order.decide(reached.state, command)
    assert isinstance(event, OrderFilled)
    return event


def state_after(*commands: OrderCommand) -> Order:
    state = after(order, *commands).state
    assert isinstance(state, Order)
    return state


@pytest.mark.parametrize(
    ("quantity", "quote_amount"), [(None, None), ("1", "30000"), ("0", None), (None, "0"), ("-1", None)]
)
def test_an_order_has_exactly_one_size_above_zero(quantity: str | None, quote_amount: str | None) -> None:
    given(order).when(place(quantity=quantity, quote_amount=quote_amount)).raises(InvalidOrderSize)


def test_an_order_begins_with_nothing_filled() -> None:
    begun = state_after(place(quantity="1"))
    assert (begun.status, begun.filled, begun.cost, begun.uncertain) == (Status.NEW, btc("0"), usd("0"), False)


def test_a_denial_carries_its_code_and_numbers() -> None:
    denied = OrderDenied(order=ORDER, code="halted", context={"scope": "user"}, occurred_at=AT)
    after(order, place(quantity="1")).when(DENY).then(denied)


def test_a_rejection_carries_the_venue_reason() -> None:
    after(order, *SENT).when(REJECT).then(OrderRejected(order=ORDER, reason="insufficient_holdings", occurred_at=AT))


def test_an_order_is_submitted_once_whatever_the_epoch() -> None:
    after(order, *SENT).when(replace(SUBMIT, epoch=2)).raises(OrderTransitionRefused, status="SUBMITTED")


def test_an_unknown_outcome_makes_the_order_uncertain_once() -> None:
    after(order, *SENT).when(UNKNOWN).then(OrderOutcomeUnknown(order=ORDER, occurred_at=AT))
    after(order, *SENT, UNKNOWN).when(UNKNOWN).nothing()
    assert state_after(*SENT, UNKNOWN).uncertain


@pytest.mark.parametrize("word", [ACCEPT, REJECT, CANCEL, fill("0.1")])
def test_any_word_of_the_venue_clears_uncertainty(word: OrderCommand) -> None:
    assert not state_after(*SENT, UNKNOWN, word).uncertain


def test_a_fill_is_partial_until_the_quantity_is_reached() -> None:
    assert state_after(*SENT, fill("0.4")).status is Status.PARTIALLY_FILLED
    assert state_after(*SENT, fill("0.4"), fill("0.6", trade_id="t2")).status is Status.FILLED


def test_a_fill_completes_the_order_where_the_venue_says_so() -> None:
    by_quote = (place(quote_amount="100"), SUBMIT)
    assert state_after(*by_quote, fill("0.003")).status is Status.PARTIALLY_FILLED
    assert state_after(*by_quote, fill("0.003", completes=True)).status is Status.FILLED


def test_the_venue_quote_value_is_taken_where_it_gives_one() -> None:
    assert filled_by(after(order, *SENT), fill("1", cost="29999.99")).cost == usd("29999.99")
    assert filled_by(after(order, *SENT), fill("1", cost="0")).cost == usd("0")


def test_the_quote_value_is_price_times_quantity_half_even_at_scale_18() -> None:
    smallest = "0.000000000000000001"
    for price, expected in (("0.5", "0"), ("1.5", "0.000000000000000002"), ("2.5", "0.000000000000000002")):
        assert filled_by(after(order, *SENT), fill(smallest, price=price)).cost == usd(expected)


def test_a_trade_is_booked_once_in_every_status() -> None:
    booked = (*SENT, fill("0.4"))
    after(order, *booked).when(fill("0.6")).raises(DuplicateTrade, trade_id="t1")
    after(order, *booked, CANCEL).when(fill("0.6")).raises(DuplicateTrade, trade_id="t1")


def test_a_late_fill_keeps_the_status_and_raises_the_filled_quantity() -> None:
    late = state_after(*SENT, fill("0.4"), CANCEL, fill("0.1", trade_id="t2"))
    assert (late.status, late.filled, late.cost) == (Status.CANCELED, btc("0.5"), usd("15000"))


def test_an_overfill_is_recorded_as_such() -> None:
    assert filled_by(after(order, *SENT), fill("1.1")).standing is Standing.OVERFILL
    by_quote = after(order, place(quote_amount="100"), SUBMIT)
    assert filled_by(by_quote, fill("0.01")).standing is Standing.OVERFILL


def test_the_gravest_standing_wins() -> None:
    assert filled_by(after(order, *SENT, CANCEL), fill("1.1")).standing is Standing.OVERFILL
    assert filled_by(after(order, *SENT, fill("1")), fill("1", trade_id="t2")).standing is Standing.UNEXPECTED


def test_an_unexpected_fill_raises_the_filled_quantity_too() -> None:
    unexpected = state_after(place(quantity="1"), DENY, fill("0.2"))
    assert (unexpected.status, unexpected.filled) == (Status.DENIED, btc("0.2"))


def test_fees_are_summed_per_asset_with_their_sign() -> None:
    bnb = Amount.parse("0.05", portfolio_asset("BNB"))
    paid = state_after(
        *SENT,
        fill("0.1", trade_id="t1", fee=usd("3")),
        fill("0.1", trade_id="t2", fee=bnb),
        fill("0.1", trade_id="t3", fee=usd("-0.5")),
        fill("0.1", trade_id="t4"),
    )
    assert paid.fees == (usd("2.5"), bnb)


def test_an_order_remembers_a_bounded_number_of_trades() -> None:
    begun = state_after(*SENT)
    full = replace(begun, trades=tuple(str(number) for number in range(MOST_TRADES)))
    Given(order, full).when(fill("0.1")).raises(TooManyTrades, limit=MOST_TRADES)


@pytest.mark.parametrize(
    ("field", "command"),
    [
        ("trade_id", fill("1", trade_id="")),
        ("trade_id", fill("1", trade_id="x" * 129)),
        ("quantity", fill("0")),
        ("quantity", fill("-1")),
        ("quantity", replace(fill("1"), quantity=usd("1"))),
        ("price", fill("1", price="0")),
        ("price", replace(fill("1"), price=btc("1"))),
        ("cost", fill("1", cost="-1")),
        ("cost", fill("99999999999", price="99999999999")),
        ("fee", replace(fill("1"), fee=Amount(1, Asset("USD", 2)))),
    ],
)
def test_a_fill_with_impossible_numbers_is_refused_by_name(field: str, command: RecordFill) -> None:
    after(order, *SENT).when(command).raises(InvalidFill, field=field)


def test_the_candle_that_a_paper_order_asks_for_is_part_of_the_order() -> None:
    asked = replace(place(quantity="1"), at_candle=AT)
    (event,) = order.decide(order.INITIAL, asked)
    state = order.evolve(order.INITIAL, event)
    assert isinstance(state, Order)
    assert state.at_candle == AT
    assert after(order, place(quantity="1")).state.at_candle is None
