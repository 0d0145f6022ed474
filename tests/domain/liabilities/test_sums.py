"""Sums are written with all their decimals and read back as they were; whatever else JSON can hold is refused."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.liabilities.sums import LIMIT, NoLiability, Sums, bytes_of, read, written

UNITS = st.integers(1, LIMIT - 1)
SUMS = st.dictionaries(st.sampled_from(("BRL/2", "BTC/18", "JPY/0", "USD/18", "USD/2")), UNITS, max_size=5)


@given(SUMS)
def test_sums_are_read_as_they_were_written(sums: Sums) -> None:
    assert read(written(sums)) == sums


@given(SUMS, SUMS)
def test_two_sums_have_the_same_bytes_only_if_they_are_the_same(left: Sums, right: Sums) -> None:
    assert (bytes_of(left) == bytes_of(right)) == (left == right)
    assert bytes_of(dict(reversed(list(left.items())))) == bytes_of(left)


def money(value: object, asset: object = "USD") -> dict[str, object]:
    return {"value": value, "asset": asset}


@pytest.mark.parametrize(
    "amounts",
    [
        [money(value)]
        for value in (
            "-1.00", "0.00", "0", "-0", "+1.00", "01.00", "1e3", "NaN", "Infinity", " 1", "1 ", "1.", ".5", "1_000", "",
            "\u0661.00", "1.0000000000000000001", "9" * 49, 1, 1.5, True, None, ["1"],
        )
    ]
    + [
        [money("1.00", None)],
        [{"value": "1.00"}],
        [{**money("1.00"), "scale": 2}],
        [money("1.00"), money("1.00")],
        [money("1.00", "USD"), money("1.00", "BRL")],
        [[]],
        ["1.00"],
    ],
)  # fmt: skip
def test_what_nobody_would_write_is_refused(amounts: list[Mapping[str, object]]) -> None:
    with pytest.raises(NoLiability):
        read(amounts)
