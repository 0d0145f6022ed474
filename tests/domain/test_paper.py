from datetime import timedelta

import pytest
from hypothesis import given as cases
from hypothesis import strategies as st

from domain.holdings import Holdings
from domain.instruments import parse
from domain.money import MAX_UNITS, Amount
from domain.orders import order
from domain.orders.commands import PlaceOrder, RecordFill, RecordRejected
from domain.orders.events import OrderFilled
from domain.orders.order import Order
from domain.orders.terms import Side, Standing
from domain.orders.transitions import Status
from domain.paper import Opening, PaperRejection, Terms, execute
from tests.domain.given import after
from tests.domain.orders.orders import AT, ORDER, SUBMIT, btc, place, usd

LATER = AT + timedelta(hours=1)
SMALLEST = "0.000000000000000001"


def sent(placed: PlaceOrder) -> Order:
    state = after(order, placed, SUBMIT).state
    assert isinstance(state, Order)
    return state


def opening(price: str = "30000") -> Opening:
    return Opening(at=LATER, price=usd(price))


def holding(**units: Amount) -> Holdings:
    return Holdings(units={code: amount.units for code, amount in units.items()})


def filled(placed: PlaceOrder, *, at: Opening, terms: Terms, holdings: Holdings) -> RecordFill:
    fill = execute(sent(placed), at, terms=terms, holdings=holdings)
    assert isinstance(fill, RecordFill), fill
    return fill


def test_a_market_order_fills_at_the_open() -> None:
    fill = filled(place(quantity="0.5"), at=opening(), terms=Terms(), holdings=holding(USD=usd("15000")))
    assert (fill.price, fill.cost, fill.fee, fill.quantity) == (usd("30000"), usd("15000"), usd("0"), btc("0.5"))
    assert (fill.occurred_at, fill.trade_id, fill.completes) == (LATER, ORDER, True)


def test_slippage_is_against_the_taker_and_rounded_against_the_taker() -> None:
    terms = Terms(slippage_bps=10)
    wealth = holding(USD=usd("100000"), BTC=btc("10"))
    bought = filled(place(Side.BUY, quantity="1"), at=opening("30000"), terms=terms, holdings=wealth)
    sold = filled(place(Side.SELL, quantity="1"), at=opening("30000"), terms=terms, holdings=wealth)
    assert (bought.price, sold.price) == (usd("30030"), usd("29970"))
    odd = opening("1.000000000000000001")
    assert filled(place(quantity="1"), at=odd, terms=terms, holdings=wealth).price == usd("1.001000000000000002")
    assert filled(place(Side.SELL, quantity="1"), at=odd, terms=terms, holdings=wealth).price == usd("0.999")


def test_a_quote_amount_buys_what_it_comes_to_rounded_down() -> None:
    fill = filled(place(quote_amount="100"), at=opening("3"), terms=Terms(), holdings=holding(USD=usd("100")))
    assert fill.quantity == btc("33.333333333333333333")
    assert fill.cost == usd("99.999999999999999999")


def test_the_fee_is_in_quote_and_rounded_up() -> None:
    terms, wealth = Terms(fee_bps=10), holding(USD=usd("100"))
    assert filled(place(quantity="1"), at=opening("30"), terms=terms, holdings=wealth).fee == usd("0.03")
    assert filled(place(quantity="1"), at=opening(SMALLEST), terms=terms, holdings=wealth).fee == usd(SMALLEST)


def rejected(placed: PlaceOrder, *, at: Opening | None, terms: Terms, holdings: Holdings) -> RecordRejected:
    answer = execute(sent(placed), at, terms=terms, holdings=holdings)
    assert isinstance(answer, RecordRejected), answer
    return answer


def test_an_order_that_meets_no_candle_is_rejected() -> None:
    answer = rejected(place(quantity="1"), at=None, terms=Terms(), holdings=holding())
    assert (answer.reason, answer.occurred_at) == (PaperRejection.NO_CANDLE, AT)


def test_a_purchase_must_be_covered_with_its_fee() -> None:
    terms = Terms(fee_bps=10)
    exact, short = holding(USD=usd("30030")), holding(USD=usd("30029.999999999999999999"))
    assert filled(place(quantity="1"), at=opening(), terms=terms, holdings=exact).fee == usd("30")
    answer = rejected(place(quantity="1"), at=opening(), terms=terms, holdings=short)
    assert (answer.reason, answer.occurred_at) == (PaperRejection.INSUFFICIENT_HOLDINGS, LATER)


def test_a_sale_must_be_covered_by_coins_and_pays_its_fee_from_the_proceeds() -> None:
    terms = Terms(fee_bps=10)
    filled(place(Side.SELL, quantity="1"), at=opening(), terms=terms, holdings=holding(BTC=btc("1")))
    answer = rejected(place(Side.SELL, quantity="1"), at=opening(), terms=terms, holdings=holding(BTC=btc("0.9")))
    assert answer.reason == PaperRejection.INSUFFICIENT_HOLDINGS


@pytest.mark.parametrize("placed", [place(quote_amount=SMALLEST), place(quantity=SMALLEST)])
def test_an_order_too_small_for_one_unit_is_rejected(placed: PlaceOrder) -> None:
    price = "30000" if placed.quote_amount else "0.4"
    answer = rejected(placed, at=opening(price), terms=Terms(), holdings=holding(USD=usd("100")))
    assert answer.reason == PaperRejection.QUANTITY_TOO_SMALL


def test_a_quantity_beyond_what_an_entry_can_hold_is_rejected() -> None:
    answer = rejected(place(quote_amount="1"), at=opening(SMALLEST), terms=Terms(), holdings=holding(USD=usd("1")))
    assert answer.reason == PaperRejection.QUANTITY_TOO_LARGE


@cases(
    side=st.sampled_from(Side),
    by_quote=st.booleans(),
    size=st.integers(1, 10**24),
    price=st.integers(1, 10**24),
    slippage_bps=st.integers(0, 500),
    fee_bps=st.integers(0, 100),
    held=st.integers(0, 10**24),
)
def test_a_fill_never_spends_more_than_is_held_and_completes_its_order(
    *, side: Side, by_quote: bool, size: int, price: int, slippage_bps: int, fee_bps: int, held: int
) -> None:
    instrument = parse("btc-usd")
    size_text = (instrument.quote if by_quote else instrument.base).amount(size).format_full()
    submitted = sent(place(side, quote_amount=size_text) if by_quote else place(side, quantity=size_text))
    answer = execute(
        submitted,
        Opening(at=LATER, price=instrument.quote.amount(price)),
        terms=Terms(slippage_bps=slippage_bps, fee_bps=fee_bps),
        holdings=Holdings(units={"USD": held, "BTC": held}),
    )
    if isinstance(answer, RecordRejected):
        assert answer.reason in set(PaperRejection)
        return
    assert answer.cost is not None
    sign = side.sign
    assert held + sign * answer.quantity.units >= 0
    assert held - sign * answer.cost.units - answer.fee.units >= 0
    assert max(answer.quantity.units, answer.cost.units) < MAX_UNITS
    (event,) = order.decide(submitted, answer)
    assert isinstance(event, OrderFilled)
    assert (event.status, event.standing) == (Status.FILLED, Standing.REGULAR)
