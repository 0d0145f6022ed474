"""The naive fold by itself: what it may know, how long it may be, and that it decides without a database."""

import ast
from pathlib import Path

import pytest

from interfaces import audit
from interfaces.audit.ledger_ends import end_append, end_log
from interfaces.audit.ledger_fold import LedgerFold

FOLDER = Path(audit.__file__).parent
NAIVE = ("ledger_fold", "ledger_ends", "ledger_once")


def imported(module: str) -> set[str]:
    nodes = list(ast.walk(ast.parse((FOLDER / f"{module}.py").read_text())))
    return {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names} | {
        node.module or "." for node in nodes if isinstance(node, ast.ImportFrom)
    }


@pytest.mark.parametrize("module", NAIVE)
def test_the_naive_fold_has_at_most_sixty_lines(module: str) -> None:
    assert len((FOLDER / f"{module}.py").read_text().splitlines()) <= 60


@pytest.mark.parametrize("module", NAIVE)
def test_the_naive_fold_imports_nothing_of_what_it_audits(module: str) -> None:
    assert imported(module) <= {"typing", "interfaces.audit.ledger_fold"}


def fold(*entries: tuple[str, str]) -> LedgerFold:
    """Fold entries, each the stream and lines such as `assets:psp:x +1.00 USD`, each an append of its own."""
    folded = LedgerFold()
    for position, (stream, text) in enumerate(entries, start=1):
        lines = [line.split() for line in text.split(" | ")]
        postings = [{"account": path, "amount": amount.lstrip("+"), "asset": asset} for path, amount, asset in lines]
        fact = {
            "entry": {"postings": postings, "effective_at": "2026-11-20T12:00:00Z"},
            "posted_at": "2026-11-20T12:00:00Z",
        }
        folded.take(fact, "acme", stream=stream, position=position)
        end_append(folded, position)
    folded.findings |= {(check, len(entries)): what for check, _, what in end_log(folded)}
    return folded


HOUSE = "acme:book-house-2026-11"
ANA = "liabilities:users:ana:real:available"


def test_balances_are_sums_of_smallest_units_per_account_and_asset() -> None:
    folded = fold(
        (HOUSE, "assets:psp:x +1.00 USD | equity:owner -1.00 USD"),
        (HOUSE, "assets:psp:x -0.05 USD | assets:psp:x -0.01 USD | equity:owner +0.06 USD"),
    )
    assert folded.findings == {}
    assert folded.balances == {("acme", "assets:psp:x", "USD", 2): 94, ("acme", "equity:owner", "USD", 2): -94}


def test_amounts_of_one_asset_with_other_decimals_do_not_net() -> None:
    folded = fold((HOUSE, "assets:psp:x +1.00 USD | equity:owner -1.0 USD"))
    assert ("entries", 1) in folded.findings


def test_a_guarded_account_may_pass_through_its_wrong_side_inside_an_entry() -> None:
    folded = fold(("acme:book-ana", f"{ANA} +1.00 USD | {ANA} -3.00 USD | assets:psp:x +2.00 USD"))
    assert folded.findings == {}


def test_a_guarded_account_may_not_end_an_entry_on_its_wrong_side_even_if_the_next_mends_it() -> None:
    folded = fold(
        ("acme:book-ana", f"{ANA} +1.00 USD | assets:psp:x -1.00 USD"),
        ("acme:book-ana", f"{ANA} -1.00 USD | assets:psp:x +1.00 USD"),
    )
    assert set(folded.findings) == {("guards", 1)}


def test_both_sides_of_an_unbalanced_company_are_told_apart_from_its_total() -> None:
    folded = fold((HOUSE, "assets:psp:x +1.00 USD | elsewhere:x -1.00 USD"))
    assert set(folded.findings) == {("equation", 1)}
