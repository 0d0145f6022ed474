from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.moving_averages import INITIAL, Buy, Cross, Rule, Sell, answer, equity, step

SHORT = Rule(fast=2, slow=3)


def crosses(closes: list[int], rule: Rule) -> list[Cross | None]:
    state, found = INITIAL, []
    for close in closes:
        state, cross = step(state, close, rule)
        found.append(cross)
    return found


def test_the_fast_average_passing_the_slow_one_is_a_cross() -> None:
    #  closes 9 8 7 | 9: fast 8, slow 8 | 12: fast 10.5, slow 9.33 -> up | 1: 6.5, 7.33 -> down
    assert crosses([9, 8, 7, 9, 12, 1], SHORT) == [None, None, None, None, Cross.UP, Cross.DOWN]


def test_there_is_no_cross_before_the_slow_average_spans_its_closes() -> None:
    assert crosses([1, 9], SHORT) == [None, None]
    assert crosses([1, 9, 99], SHORT) == [None, None, None]


def test_averages_that_only_touch_do_not_cross() -> None:
    # fast above slow, equal for two candles, above again
    assert crosses([1, 2, 3, 3, 3, 3, 9], SHORT) == [None] * 7


def test_the_first_lead_is_taken_without_a_cross_also_after_equal_closes() -> None:
    assert crosses([5, 5, 5, 9], SHORT) == [None] * 4


def test_the_averages_span_10_and_30_closes_by_default() -> None:
    closes = [1000 - day for day in range(30)] + [2000] * 10
    first_up = crosses(closes, Rule()).index(Cross.UP)
    ahead = [30 * sum(closes[end - 10 : end]) > 10 * sum(closes[end - 30 : end]) for end in range(30, 41)]
    assert first_up == 29 + ahead.index(True)


def test_an_upward_cross_buys_for_five_percent_of_equity_rounded_down() -> None:
    assert answer(Cross.UP, held=0, equity=1_999) == Buy(quote_amount=99)


def test_there_is_one_position_at_a_time() -> None:
    assert answer(Cross.UP, held=1, equity=10_000) is None
    assert answer(Cross.DOWN, held=0, equity=10_000) is None


def test_a_downward_cross_sells_all_that_is_held() -> None:
    assert answer(Cross.DOWN, held=7, equity=10_000) == Sell(quantity=7)


def test_equity_too_small_for_one_unit_buys_nothing() -> None:
    assert answer(Cross.UP, held=0, equity=19) is None


def test_equity_is_the_quote_held_and_the_base_at_the_close_rounded_down() -> None:
    assert equity(quote=5, base=15 * 10**17, close=3) == 5 + 4


@given(st.lists(st.integers(1, 50), max_size=60))
def test_state_stays_small_and_crosses_alternate(closes: list[int]) -> None:
    state = INITIAL
    for close in closes:
        state, _ = step(state, close, SHORT)
        assert len(state.closes) <= SHORT.slow
    seen = [cross for cross in crosses(closes, SHORT) if cross]
    assert all(one is not other for one, other in pairwise(seen))


@given(st.lists(st.integers(1, 50), min_size=4, max_size=40))
def test_the_lead_is_the_sign_of_the_exact_difference_of_the_averages(closes: list[int]) -> None:
    state = INITIAL
    for close in closes:
        state, _ = step(state, close, SHORT)
    difference = 3 * sum(closes[-2:]) - 2 * sum(closes[-3:])
    assert difference == 0 or (state.lead > 0) == (difference > 0)
