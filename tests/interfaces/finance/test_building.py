"""The finance queries on real books: what they say, what they notice, and that adding is the same as making anew."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from interfaces.demo.year.play import FIRST
from tests.interfaces.finance.books import ACME, Books, second_opinion
from tests.projections.house import BANK, House

pytestmark = pytest.mark.timeout(600)


def test_a_naive_calculation_over_the_exported_log_agrees_to_the_last_unit(books: Books, tmp_path: Path) -> None:
    books.lastro("audit", "export", str(tmp_path / "out")).succeeded()
    naive = second_opinion(tmp_path / "out" / "events.ndjson", ACME)
    months: dict[str, dict[str, Fraction]] = {}
    for month, account, asset, closing in books.rows(
        "SELECT to_char(month, 'YYYY-MM'), account, asset, closing FROM finance.trial_balances WHERE closing <> 0"
    ):
        months.setdefault(month, {})[f"{account} {asset}"] = Fraction(closing)
    assert months == {
        month: {key: Fraction(amount) for key, amount in figures.items()} for month, figures in naive["months"].items()
    }
    results = books.rows("""
        SELECT to_char(month, 'YYYY-MM'), asset, sum(amount) FROM finance.income_statements
        GROUP BY 1, 2 HAVING sum(amount) <> 0
    """)
    assert {(month, asset): Fraction(amount) for month, asset, amount in results} == {
        (month, asset): Fraction(amount)
        for month, figures in naive["results"].items()
        for asset, amount in figures.items()
    }
    assert len(naive["balances"]) > 50


@pytest.mark.slow
def test_late_and_back_dated_facts_give_the_same_added_as_made_anew(books: Books) -> None:
    async def late(house: House) -> None:
        house.now = FIRST + timedelta(days=80)
        user = books.rows("SELECT user_id FROM finance.liability_leaves LIMIT 1")[0][0]
        await house.deposit(user, 123_45, effective_at=FIRST + timedelta(days=3))
        back = await house.post((BANK, 10_00), ("equity:opening", -10_00), effective_at=FIRST + timedelta(days=33))
        await house.reverse(back)

    books.write(late)
    added = books.finance("build", "--json").succeeded().answer
    assert (added["full"], added["findings"]) == (False, [])
    after_adding = books.marts()
    anew = books.finance("build", "--full", "--no-check", "--json").succeeded().answer
    assert anew["full"]
    assert len(after_adding) > 20
    assert books.marts() == after_adding


@pytest.mark.slow
def test_nothing_new_leaves_every_figure_as_it_was(books: Books) -> None:
    before = books.marts()
    books.finance("build", "--no-check").succeeded()
    assert books.marts() == before


def test_every_identity_holds_and_every_calculation_gives_its_worked_rows(books: Books) -> None:
    checked = books.finance("check", "--json").succeeded().answer
    assert checked["findings"] == []


CHANGED = {
    "general_ledger SET amount = amount {} 0.01 WHERE line = 1 AND kind = 'capital' AND asset = 'USD'": {
        "ledger_is_the_log", "ledger_balances", "amounts_have_all_digits", "marts_agree_with_read_balances",
    },
    "balances_daily SET opening = opening {} 1 WHERE account = 'equity:owner'": {"days_roll_forward"},
    "reporting_balance_sheets SET amount = amount {} 1 WHERE line IN ('translation', 'bank_own')": {
        "translation_line_is_explained"
    },
    "liability_leaves SET amount = amount {} 1": {"leaves_add_up_to_what_we_owe"},
}  # fmt: skip


@pytest.mark.slow
def test_a_changed_figure_is_a_finding_with_a_name(books: Books) -> None:
    for change in CHANGED:
        books.execute(f"UPDATE finance.{change.format('+')}")
    checked = books.finance("check", "--json")
    for change in CHANGED:
        books.execute(f"UPDATE finance.{change.format('-')}")
    assert checked.status == 1
    assert {finding["name"] for finding in checked.answer["findings"]} >= set[str]().union(*CHANGED.values())


def test_a_request_reads_its_own_tenant_only(books: Books) -> None:
    for name in (*books.marts(), "account_statements"):
        whole = books.count(name)
        assert books.count(name, tenant=ACME) == whole, name
        assert books.count(name, tenant="other") == 0, name
    assert books.count("general_ledger") > 0


def test_client_money_that_fees_have_eaten_is_short(books: Books) -> None:
    (surplus,) = books.rows("""
        SELECT surplus FROM finance.client_money WHERE asset = 'BRL' ORDER BY day DESC LIMIT 1
    """)[0]
    assert surplus < Decimal()  # nobody topped reais up: the mart says so
    (short,) = books.rows("SELECT is_short FROM finance.client_money WHERE asset = 'BRL' ORDER BY day DESC LIMIT 1")[0]
    assert short


@pytest.mark.slow
def test_the_documentation_is_one_page_that_needs_nothing_else(books: Books) -> None:
    page = Path(books.finance("docs", "--json").succeeded().answer["page"]).read_text()
    assert "general_ledger" in page
    assert "<script src=" not in page
