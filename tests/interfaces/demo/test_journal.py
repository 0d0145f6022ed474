from fractions import Fraction

from interfaces.demo.journal import BANK, Posted, add_up, own_balances

ENTRY = {
    "postings": [
        {"account": BANK, "asset": "USD", "amount": "5.10"},
        {"account": "equity:owner", "asset": "USD", "amount": "-5.10"},
    ]
}


def test_entries_add_up_by_account_and_asset_and_leave_no_zeros() -> None:
    assert add_up([ENTRY, ENTRY]) == {(BANK, "USD"): Fraction("10.20"), ("equity:owner", "USD"): Fraction("-10.20")}
    negated = {"postings": [{**line, "amount": str(-Fraction(line["amount"]))} for line in ENTRY["postings"]]}
    assert add_up([ENTRY, negated]) == {}


def test_the_bank_line_shows_the_mistake_and_its_reversal() -> None:
    posted = Posted(entries=(ENTRY, ENTRY), mistake="m", reversal="r")
    assert posted.bank_line() == [Fraction(text) for text in ("5.10", "-94.89", "5.10", "10.20")]


def test_a_wallet_is_shown_on_its_normal_side() -> None:
    balances = {("liabilities:users:ann:real:available", "USD"): Fraction(-3), ("equity:owner", "USD"): Fraction(3)}
    assert own_balances(balances, "ann") == {("real:available", "USD"): Fraction(3)}
