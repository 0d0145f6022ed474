"""Statements: they say what the marts say, at any moment, as known at any other, in every form."""

import csv
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from interfaces.demo.year.play import FIRST
from interfaces.finance.formats import as_csv, as_table, as_xlsx
from interfaces.finance.kinds import Kind
from interfaces.finance.statements import Statement, month_of, plain
from tests.interfaces.finance.books import ACME, Books
from tests.projections.house import BANK, House

MONTH = "2025-12"


def asked(books: Books, *words: str) -> dict[str, Any]:
    answer: dict[str, Any] = books.finance("statement", *words, "--tenant", ACME, "--format", "json").succeeded().answer
    return answer


def figures(statement: dict[str, Any]) -> dict[tuple[str, str], Decimal]:
    """Return the lines of a statement without its totals."""
    rows = [row for row in statement["rows"] if not row["line"].startswith(("Total", "Gross", "Net", "Result"))]
    rows += [row for row in statement["rows"] if row["line"] == "Result not closed yet"]
    return {(row["line"], row["asset"]): Decimal(row["amount"]) for row in rows}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_statements_of_a_month_are_what_the_marts_say(books: Books) -> None:
    sheet = books.rows(
        "SELECT label, asset, amount FROM finance.balance_sheets WHERE month = %s AND amount <> 0", f"{MONTH}-01"
    )
    assert figures(asked(books, "balance-sheet", "--month", MONTH)) == {(row[0], row[1]): row[2] for row in sheet}
    income = books.rows(
        "SELECT label, asset, amount FROM finance.income_statements WHERE month = %s AND amount <> 0", f"{MONTH}-01"
    )
    assert figures(asked(books, "income", "--month", MONTH)) == {(row[0], row[1]): row[2] for row in income}
    trial = {
        (row["account"], row["asset"]): Decimal(row["debit"] or 0) - Decimal(row["credit"] or 0)
        for row in asked(books, "trial-balance", "--month", MONTH)["rows"]
        if row["account"] != "Total"
    }
    balances = books.rows(
        "SELECT account, asset, closing FROM finance.trial_balances WHERE month = %s AND closing <> 0", f"{MONTH}-01"
    )
    assert trial == {(row[0], row[1]): row[2] for row in balances}
    cash = asked(books, "cash-flow", "--month", MONTH)["rows"]
    closing = {
        (row["money_of"], row["cash"], row["asset"]): Decimal(row["net"]) for row in cash if row["kind"] == "Closing"
    }
    positions = books.rows(
        "SELECT money_of, cash, asset, closing FROM finance.cash_positions WHERE month = %s", f"{MONTH}-01"
    )
    assert closing == {row[:3]: row[3] for row in positions}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_in_the_reporting_currency_lines_are_rounded_once_and_the_rest_is_a_line(books: Books) -> None:
    stated = asked(books, "balance-sheet", "--month", MONTH, "--reported")
    lines = figures(stated)
    for label, amount in books.rows(
        "SELECT label, amount FROM finance.reporting_balance_sheets WHERE month = %s", f"{MONTH}-01"
    ):
        assert lines.get((label, "USD"), Decimal()) == round(amount, 2), label
    totals = {row["line"]: Decimal(row["amount"]) for row in stated["rows"] if row["line"].startswith("Total")}
    assert totals["Total assets"] == totals["Total liabilities and equity"]
    income = books.rows("SELECT sum(amount) FROM finance.reporting_income_statements WHERE month = %s", f"{MONTH}-01")
    result = next(
        row for row in asked(books, "income", "--month", MONTH, "--reported")["rows"] if row["line"] == "Result"
    )
    assert Decimal(result["amount"]) == round(income[0][0], 2)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_as_of_and_known_at_together_give_four_different_answers(books: Books) -> None:
    early = FIRST + timedelta(days=10)

    async def late(house: House) -> None:
        house.now = FIRST + timedelta(days=90)
        await house.post((BANK, 7_77), ("equity:opening", -7_77), effective_at=early)
        await house.post((BANK, 1_11), ("equity:opening", -1_11))

    before = books.rows("SELECT known_at FROM finance.builds ORDER BY number DESC LIMIT 1")[0][0].isoformat()
    books.write(late)
    books.finance("build", "--no-check").succeeded()
    moments = {
        "then, known then": ("--as-of", early.isoformat(), "--known-at", before),
        "then, known now": ("--as-of", early.isoformat()),
        "now, known then": ("--known-at", before),
        "now, known now": (),
    }
    opening = {
        name: figures(asked(books, "balance-sheet", *words))["Opening balances", "USD"]
        for name, words in moments.items()
    }
    assert opening["then, known now"] - opening["then, known then"] == Decimal("7.77")
    assert opening["now, known now"] - opening["now, known then"] == Decimal("8.88")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_ledger_opens_where_the_month_before_closed(books: Books) -> None:
    rows = asked(books, "ledger", "--account", "assets:bank:own:main", "--month", MONTH)["rows"]
    of_dollars = [row for row in rows if row["asset"] == "USD"]
    trial = books.rows(
        "SELECT opening, closing FROM finance.trial_balances WHERE account = %s AND asset = 'USD' AND month = %s",
        "assets:bank:own:main",
        f"{MONTH}-01",
    )
    assert of_dollars[0]["kind"] == "Opening"
    assert [(Decimal(of_dollars[0]["balance"]), Decimal(of_dollars[-1]["balance"]))] == trial


def a_statement(*cells: str) -> Statement:
    moment = datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)
    return Statement(
        kind=Kind.LEDGER,
        since=moment,
        as_of=moment,
        known_at=None,
        log_position=7,
        built_at=moment,
        checked=True,
        columns=tuple(f"c{number}" for number in range(len(cells))),
        figures=frozenset({"c1"}),
        rows=(cells,),
    )


def test_csv_holds_no_formula() -> None:
    written = as_csv(a_statement("=cmd()", "-12.50", "-1+2", "@x", "+1", "plain"))
    assert list(csv.reader(io.StringIO(written)))[1] == ["'=cmd()", "-12.50", "'-1+2", "'@x", "'+1", "plain"]


def test_a_spreadsheet_keeps_every_digit_as_text(tmp_path: Path) -> None:
    path = tmp_path / "statement.xlsx"
    path.write_bytes(as_xlsx(a_statement("=cmd()", "12345678901234567890.123456789012345678")))
    with zipfile.ZipFile(path) as book:
        texts = book.read("xl/sharedStrings.xml").decode()
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "12345678901234567890.123456789012345678" in texts
    assert "<f>" not in sheet
    assert "<v>1234" not in sheet


def test_a_table_says_what_it_stands_on() -> None:
    drawn = as_table(a_statement("a", "1.00"))
    assert "log position 7" in drawn
    assert "every check held" in drawn


def test_accounts_are_text_and_no_pictures() -> None:
    assert "assets:bank:own:main" in as_table(a_statement("assets:bank:own:main", "1.00"))


def test_a_table_leaves_no_digit_out() -> None:
    long = "12345678901234567890.123456789012345678"
    assert as_table(a_statement("a" * 70, long, "b" * 70)).count(long) == 1


def test_json_is_one_object() -> None:
    assert json.loads(json.dumps(a_statement("a", "1.00").as_json()))["rows"] == [{"c0": "a", "c1": "1.00"}]


@pytest.mark.parametrize(
    ("amount", "asset", "shown"),
    [
        ("100.000000000000000000", "USD", "100.00"),
        ("0.500000000000000000", "BTC", "0.5"),
        ("-3.990000000000000000", "USD", "-3.99"),
        ("-0.000000000000000000", "USD", "0.00"),
        ("1200", "JPY", "1200"),
        ("12345678901234567890.123456789012345678", "ETH", "12345678901234567890.123456789012345678"),
    ],
)
def test_amounts_are_shown_as_people_expect_them(amount: str, asset: str, shown: str) -> None:
    assert plain(Decimal(amount), asset) == shown


def test_a_month_ends_with_its_last_instant() -> None:
    assert month_of("2025-12") == (
        datetime(2025, 12, 1, tzinfo=UTC),
        datetime(2025, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    )
