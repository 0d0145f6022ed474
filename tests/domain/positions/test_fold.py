from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.positions.fold import Effect, Step, after, corrected, proportion, steps

OPENS, CLOSES, BEYOND = Effect.OPENS, Effect.CLOSES, Effect.BEYOND

# quantity, cost | change, value | steps: effect, quantity, value, cost, realised
CHANGES = {
    "the first purchase opens": ((0, 0), (10, 100), [(OPENS, 10, 100, 100, 0)]),
    "the same direction adds cost": ((10, 100), (10, 110), [(OPENS, 10, 110, 110, 0)]),
    "a short opens with negative cost": ((0, 0), (-10, -100), [(OPENS, -10, -100, -100, 0)]),
    "a short grows": ((-10, -100), (-5, -60), [(OPENS, -5, -60, -60, 0)]),
    "a reduction removes its share of the cost": ((20, 210), (-5, -60), [(CLOSES, -5, -60, -52, 8)]),
    "a reduction of a short removes its share": ((-20, -210), (5, 40), [(CLOSES, 5, 40, 52, 12)]),
    "flat removes all of the cost": ((3, 100), (-3, -120), [(CLOSES, -3, -120, -100, 20)]),
    "a cover to flat removes all": ((-3, -100), (3, 120), [(CLOSES, 3, 120, 100, -20)]),
    "through zero it is split": ((10, 100), (-30, -360), [(CLOSES, -10, -120, -100, 20), (OPENS, -20, -240, -240, 0)]),
    "second is total minus first": ((1, 10), (-3, -100), [(CLOSES, -1, -33, -10, 23), (OPENS, -2, -67, -67, 0)]),
    "through zero upwards": ((-1, -10), (3, 100), [(CLOSES, 1, 33, 10, -23), (OPENS, 2, 67, 67, 0)]),
}  # fmt: skip
SPOT_CHANGES = {
    "a sale within the position closes": ((10, 100), (-5, -60), [(CLOSES, -5, -60, -50, 10)]),
    "a sale beyond it is split": ((10, 100), (-30, -360), [(CLOSES, -10, -120, -100, 20), (BEYOND, -20, -240, 0, 0)]),
    "a sale from flat is all beyond it": ((0, 0), (-30, -360), [(BEYOND, -30, -360, 0, 0)]),
    "a purchase opens": ((0, 0), (30, 360), [(OPENS, 30, 360, 360, 0)]),
}  # fmt: skip
CORRECTIONS = {
    "while open the difference goes to cost": ((10, 100), (0, 7), [(OPENS, 0, 7, 7, 0)]),
    "fewer coins at less value": ((10, 100), (-2, -20), [(OPENS, -2, -20, -20, 0)]),
    "of a short": ((-10, -100), (3, 25), [(OPENS, 3, 25, 25, 0)]),
    "when flat afterwards, to the result": ((10, 100), (-10, -90), [(CLOSES, -10, -90, -100, -10)]),
    "of a flat position's price": ((0, 0), (0, 7), [(CLOSES, 0, 7, 0, -7)]),
    "of a flat position's quantity opens": ((0, 0), (2, 20), [(OPENS, 2, 20, 20, 0)]),
    "through zero is an ordinary change": ((1, 10), (-3, -100), [(CLOSES, -1, -33, -10, 23), (OPENS, -2, -67, -67, 0)]),
}  # fmt: skip

Case = tuple[tuple[int, int], tuple[int, int], list[tuple[Effect, int, int, int, int]]]


@pytest.mark.parametrize("case", CHANGES.values(), ids=CHANGES)
def test_a_change_of_a_position(case: Case) -> None:
    (quantity, cost), (change, value), expected = case
    assert steps(quantity, cost, change=change, value=value, spot=False) == tuple(Step(*step) for step in expected)


@pytest.mark.parametrize("case", SPOT_CHANGES.values(), ids=SPOT_CHANGES)
def test_a_change_of_a_spot_position_never_opens_below_zero(case: Case) -> None:
    (quantity, cost), (change, value), expected = case
    assert steps(quantity, cost, change=change, value=value, spot=True) == tuple(Step(*step) for step in expected)


@pytest.mark.parametrize("case", CORRECTIONS.values(), ids=CORRECTIONS)
def test_a_corrected_fill_adjusts_now(case: Case) -> None:
    (quantity, cost), (change, value), expected = case
    assert corrected(quantity, cost, change=change, value=value, spot=False) == tuple(Step(*step) for step in expected)


@pytest.mark.parametrize(("amount", "third"), [(7, 2), (-7, -2), (0, 0), (9, 3), (-1, 0)])
def test_a_proportion_is_rounded_towards_zero(amount: int, third: int) -> None:
    assert proportion(amount, 1, of=3) == third


CHANGE = st.tuples(st.integers(-(10**20), 10**20).filter(bool), st.integers(1, 10**24)).map(
    lambda change: (change[0], change[1] if change[0] > 0 else -change[1])
)


@given(st.lists(CHANGE, max_size=30), st.booleans())
def test_cost_is_what_was_spent_and_realised_and_flat_costs_nothing(changes: list[tuple[int, int]], spot: bool) -> None:
    quantity = cost = realised = spent = passed = 0
    for change, value in changes:
        taken = steps(quantity, cost, change=change, value=value, spot=spot)
        quantity, cost = after(quantity, cost, taken)
        realised += sum(step.realised for step in taken)
        passed += sum(step.value for step in taken if step.effect is BEYOND)
        spent += value
        assert sum(step.quantity for step in taken) == change
        assert sum(step.value for step in taken) == value
        assert (quantity == 0) <= (cost == 0)
        assert quantity == 0 or cost == 0 or (quantity > 0) == (cost > 0)
        assert not spot or quantity >= 0
    assert cost == spent - passed + realised


@given(st.lists(CHANGE, min_size=1, max_size=30))
def test_the_cost_is_within_one_unit_per_reduction_of_the_exact_average(changes: list[tuple[int, int]]) -> None:
    quantity = cost = 0
    exact = Fraction(0)
    for change, value in changes:
        taken = steps(quantity, cost, change=change, value=value, spot=False)
        for step in taken:
            exact += step.value if step.effect is OPENS else exact * step.quantity / quantity
            quantity, cost = after(quantity, cost, (step,))
            assert abs(exact - cost) <= len(changes)
