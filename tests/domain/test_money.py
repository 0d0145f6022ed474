import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import currencies
from domain.money import (
    MAX_SCALE,
    MAX_UNITS,
    PATTERN,
    Amount,
    AmountTooLarge,
    Asset,
    AssetMismatch,
    NotAnAmount,
    Rounding,
    TooManyDecimals,
    allocate,
    asset_of,
    divide,
)

USD, JPY, BTC, CREDIT = Asset("USD", 2), Asset("JPY", 0), Asset("BTC", 18), Asset("CREDIT", 0)
USD_AT_VENUE = Asset("USD", 18)

scales = st.integers(0, MAX_SCALE)
units = st.integers(-MAX_UNITS + 1, MAX_UNITS - 1)
assets = scales.map(lambda scale: Asset("X", scale))
amounts = st.builds(Amount, units, assets)


def usd(text: str) -> Amount:
    return Amount.parse(text, USD)


@pytest.mark.parametrize(
    ("text", "asset", "expected"),
    [
        ("0", USD, 0),
        ("12.5", USD, 1250),
        ("12.50", USD, 1250),
        ("-12.50", USD, -1250),
        ("0.01", USD, 1),
        ("7", JPY, 7),
        ("0.000000000000000001", BTC, 1),
        ("999999999999.999999999999999999", BTC, MAX_UNITS - 1),
        ("99999999999999999999", JPY, 10**20 - 1),
    ],
)
def test_an_amount_is_read_from_a_decimal_string(text: str, asset: Asset, expected: int) -> None:
    assert Amount.parse(text, asset) == Amount(expected, asset)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "1 ", " 1", "1\n", "+1", "--1", "-", ".", "1.", ".5", "01", "00", "-01", "1,5", "1_000", "1e3", "1E3",
        "NaN", "nan", "Infinity", "-inf", "0x10", "1.2.3", "\uff11\uff12", "\u0663", "\u00bd", "1\u0000", "true",
        "12.5 USD", "-0", "-0.00",
    ],
)  # fmt: skip
def test_a_text_that_is_no_plain_decimal_number_is_refused(text: str) -> None:
    with pytest.raises(NotAnAmount) as raised:
        Amount.parse(text, USD)
    assert raised.value.data == {"text": text, "pattern": PATTERN}


@pytest.mark.parametrize(
    "value", [1, 1.5, True, None, 10**5000, float("inf"), ["1"], {"value": "1"}, b"1"], ids=range(9)
)
def test_what_is_no_text_is_no_amount(value: object) -> None:
    with pytest.raises(NotAnAmount) as raised:
        Amount.parse(value, USD)
    assert raised.value.text == f"<{type(value).__name__}>"


def test_a_long_text_that_is_no_amount_is_cut_in_the_answer() -> None:
    with pytest.raises(NotAnAmount) as raised:
        Amount.parse("x" * 1_000_000, USD)
    assert raised.value.text == "x" * 64


@pytest.mark.parametrize(
    ("text", "asset", "decimals"), [("0.001", USD, 3), ("1.0", JPY, 1), (f"0.{'0' * 19}", BTC, 19)]
)
def test_more_decimals_than_the_asset_has_are_refused_even_where_they_are_zeros(
    text: str, asset: Asset, decimals: int
) -> None:
    with pytest.raises(TooManyDecimals) as raised:
        Amount.parse(text, asset)
    assert raised.value.data == {"asset": asset.code, "scale": asset.scale, "decimals": decimals}


@pytest.mark.parametrize(
    ("text", "asset"),
    [
        ("100000000000000000000", JPY),
        (str(10**40), USD),
        ("-" + "9" * 100_000, USD),
        ("1000000000000", BTC),
        ("-1000000000000.0", BTC),
    ],
)
def test_more_than_twenty_whole_digits_or_the_limit_of_a_posting_is_refused(text: str, asset: Asset) -> None:
    with pytest.raises(AmountTooLarge) as raised:
        Amount.parse(text, asset)
    assert raised.value.data == {"asset": asset.code, "max_whole_digits": 20, "max_unit_digits": 30}


@given(amounts)
def test_the_full_form_reads_back_as_the_same_amount_and_shows_every_decimal(amount: Amount) -> None:
    text = amount.format_full()
    assert len(text.partition(".")[2]) == amount.asset.scale
    if len(text.partition(".")[0].lstrip("-")) <= 20:
        assert Amount.parse(text, amount.asset) == amount


@given(amounts, st.integers(0, MAX_SCALE))
def test_the_plain_form_is_the_shortest_with_the_decimals_asked_for(amount: Amount, least: int) -> None:
    text = amount.format_plain(least_decimals=least)
    decimals = text.partition(".")[2]
    assert Fraction(text) == Fraction(amount.units, 10**amount.asset.scale)
    assert len(decimals) >= min(least, amount.asset.scale)
    assert len(decimals) <= least or not decimals.endswith("0")


@given(st.from_regex(re.compile(PATTERN, re.ASCII), fullmatch=True), assets)
def test_every_text_of_the_contract_is_an_amount_or_refused_by_a_rule_that_names_itself(
    text: str, asset: Asset
) -> None:
    try:
        amount = Amount.parse(text, asset)
    except TooManyDecimals:
        assert len(text.partition(".")[2]) > asset.scale
    except AmountTooLarge:
        assert abs(Fraction(text)) * 10**asset.scale >= MAX_UNITS
    except NotAnAmount:
        assert text.startswith("-")
        assert Fraction(text) == 0
    else:
        assert Fraction(amount.units, 10**asset.scale) == Fraction(text)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Amount(1250, USD), "12.50"),
        (Amount(-5, USD), "-0.05"),
        (Amount(0, USD), "0.00"),
        (Amount(125 * 10**17, USD_AT_VENUE), "12.50"),
        (Amount(12_345 * 10**14, USD_AT_VENUE), "1.2345"),
        (Amount(7, JPY), "7"),
        (Amount(7 * 10**18, Asset("JPY", 18)), "7"),
        (Amount(15 * 10**17, Asset("KWD", 18)), "1.500"),
        (Amount(5 * 10**17, BTC), "0.5"),
        (Amount(3 * 10**18, BTC), "3"),
        (Amount(0, BTC), "0"),
        (Amount(1000, CREDIT), "1000"),
        (Amount(10_000, Asset("POINTS", 4)), "1.0000"),
        (Amount(100_000, Asset("FINE", 5)), "1"),
    ],
)
def test_currencies_show_their_iso_decimals_and_coins_no_trailing_zeros(amount: Amount, text: str) -> None:
    assert amount.format_plain() == text
    assert amount.as_data() == {"value": text, "asset": amount.asset.code}
    assert str(amount) == f"{text} {amount.asset.code}"


def test_currencies_have_the_decimals_of_iso_4217() -> None:
    assert [currencies.DECIMALS[code] for code in ("USD", "BRL", "JPY", "KWD", "CLF")] == [2, 2, 0, 3, 4]
    assert all(re.fullmatch("[A-Z]{3}", code) for code in currencies.DECIMALS)
    assert "BTC" not in currencies.DECIMALS


@pytest.mark.parametrize(("code", "scale"), [("usd", 2), ("", 2), ("A" * 21, 2), ("USD ", 2), ("USD", -1), ("USD", 19)])
def test_an_asset_has_a_code_of_capitals_and_a_scale_up_to_18(code: str, scale: int) -> None:
    with pytest.raises(AssertionError):
        Asset(code, scale)


def test_one_object_stands_for_an_asset_at_a_scale() -> None:
    assert asset_of("USD", 2) is asset_of("USD", 2)
    assert asset_of("USD", 2) == USD


@pytest.mark.parametrize("other", [Amount(1, BTC), Amount(1, USD_AT_VENUE)])
def test_another_asset_or_scale_never_meets_in_a_sum_or_comparison(other: Amount) -> None:
    one = Amount(1, USD)
    for meet in (one.__add__, one.__sub__, one.__lt__, one.__le__):
        with pytest.raises(AssetMismatch):
            meet(other)
    assert one != other


def test_the_form_of_an_amount_is_the_contracts() -> None:
    assert PATTERN == r"-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,18})?"


def test_amounts_of_one_asset_add_up_and_compare() -> None:
    assert Amount(1, Asset("USD", 2)) + Amount(1, Asset("USD", 2)) == Amount(2, USD)
    assert usd("1.00") + usd("0.10") - usd("0.20") == usd("0.90")
    assert -usd("1.00") == usd("-1.00")
    assert abs(usd("-1.00")) == usd("1.00")
    assert usd("1.00") < usd("1.01") <= usd("1.01")
    assert not usd("1.00") < usd("1.00")
    assert (bool(usd("0")), bool(usd("-0.01"))) == (False, True)


@pytest.mark.parametrize(
    ("dividend", "divisor", "down", "up", "half_even"),
    [
        (7, 2, 3, 4, 4),
        (5, 2, 2, 3, 2),
        (-5, 2, -2, -3, -2),
        (-7, 2, -3, -4, -4),
        (7, -2, -3, -4, -4),
        (-7, -2, 3, 4, 4),
        (1, 3, 0, 1, 0),
        (2, 3, 0, 1, 1),
        (6, 3, 2, 2, 2),
        (0, 3, 0, 0, 0),
    ],
)
def test_a_division_is_rounded_as_its_name_says(
    dividend: int, divisor: int, *, down: int, up: int, half_even: int
) -> None:
    assert divide(dividend, divisor, Rounding.DOWN) == down
    assert divide(dividend, divisor, Rounding.UP) == up
    assert divide(dividend, divisor, Rounding.HALF_EVEN) == half_even


@given(units, st.integers(-(10**20), 10**20).filter(bool))
def test_rounding_is_exact_where_it_can_be_and_off_by_less_than_one_unit_otherwise(dividend: int, divisor: int) -> None:
    exact = Fraction(dividend, divisor)
    down, up, half_even = (divide(dividend, divisor, rounding) for rounding in Rounding)
    assert abs(down) <= abs(exact) <= abs(up)
    assert abs(up) - abs(down) == (exact.denominator != 1)
    assert half_even == round(exact)


def test_a_part_of_an_amount_is_a_ratio_of_whole_numbers() -> None:
    paid = usd("297.00")
    earned = [
        paid.times(day, over=30, rounding=Rounding.DOWN) - paid.times(day - 1, over=30, rounding=Rounding.DOWN)
        for day in range(1, 31)
    ]
    assert earned[0] == usd("9.90")
    assert sum(part.units for part in earned) == paid.units
    assert usd("100.00").times(20, over=30, rounding=Rounding.DOWN) == usd("66.66")
    assert usd("100.00").times(20, over=30, rounding=Rounding.UP) == usd("66.67")
    assert usd("1.50").times(3, rounding=Rounding.DOWN) == usd("4.50")


weights = st.lists(st.integers(0, 10**12), min_size=1, max_size=20).filter(any)


@given(units, weights)
def test_allocation_never_loses_or_makes_a_unit(total: int, shares: list[int]) -> None:
    parts = allocate(Amount(total, USD), shares)
    assert sum(part.units for part in parts) == total


@given(units, weights)
def test_each_part_of_an_allocation_is_its_exact_share_rounded_down_or_up(total: int, shares: list[int]) -> None:
    for part, weight in zip(allocate(Amount(total, USD), shares), shares, strict=True):
        exact = Fraction(total * weight, sum(shares))
        assert abs(part.units - exact) < 1
        assert part.units * total >= 0


@given(units.map(abs), weights)
def test_no_part_is_rounded_up_before_one_with_a_larger_remainder(total: int, shares: list[int]) -> None:
    parts = allocate(Amount(total, USD), shares)
    remainders = [total * weight % sum(shares) for weight in shares]
    raised = [part.units > total * weight // sum(shares) for part, weight in zip(parts, shares, strict=True)]
    up = [rest for rest, is_up in zip(remainders, raised, strict=True) if is_up]
    down = [rest for rest, is_up in zip(remainders, raised, strict=True) if not is_up]
    assert not up or not down or min(up) >= max(down)


@given(units, weights)
def test_what_is_taken_back_is_allocated_like_what_was_given(total: int, shares: list[int]) -> None:
    given_out, taken_back = allocate(Amount(total, USD), shares), allocate(Amount(-total, USD), shares)
    assert tuple(-part for part in given_out) == taken_back


@pytest.mark.parametrize(
    ("total", "shares", "expected"),
    [
        ("0.05", [1, 1, 1], ["0.02", "0.02", "0.01"]),
        ("0.02", [1, 1, 98], ["0.00", "0.00", "0.02"]),
        ("1.00", [1, 0, 1], ["0.50", "0.00", "0.50"]),
        ("-0.05", [1, 1], ["-0.03", "-0.02"]),
        ("0.00", [3, 4], ["0.00", "0.00"]),
        ("0.05", [1], ["0.05"]),
    ],
)
def test_left_over_units_go_to_the_largest_remainders_and_the_earlier_part(
    total: str, shares: list[int], expected: list[str]
) -> None:
    assert [part.format_full() for part in allocate(usd(total), shares)] == expected


@pytest.mark.parametrize("shares", [[], [0], [0, 0], [1, -1], [2, -1]])
def test_an_allocation_needs_weights_of_a_positive_sum_and_none_below_zero(shares: list[int]) -> None:
    with pytest.raises(AssertionError):
        allocate(usd("1.00"), shares)
