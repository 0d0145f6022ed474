"""What somebody typed is never a formula in a spreadsheet."""

import pytest

from interfaces.csv_text import harmless


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "＝1", "＋1", "－1", "＠1"],  # noqa: RUF001 - spreadsheets take these too
)
def test_what_begins_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a note", "1.00", "invoice-17", "a=b", "'=1", "ü"])
def test_anything_else_stays_as_it_is(text: str) -> None:
    assert harmless(text) == text
