from fractions import Fraction

from interfaces.demo.rendering import cents, sparkline


def test_a_sparkline_spans_from_the_lowest_to_the_highest_and_ends_with_the_last_value() -> None:
    assert sparkline([Fraction(value) for value in (0, 7, 3)]) == "▁█▄"
    line = sparkline([Fraction(value) for value in range(801)])
    assert (len(line), line[0], line[-1]) == (80, "▁", "█")


def test_a_curve_that_never_moves_is_a_flat_line() -> None:
    assert sparkline([Fraction(5)] * 3) == "▁▁▁"


def test_cents_are_rounded_down_for_people() -> None:
    assert cents(Fraction("1234.569")) == "1,234.56"
    assert cents(Fraction("-0.001")) == "-0.01"
