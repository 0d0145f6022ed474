from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from interfaces.demo.evidence import Claim, Evidence, differences
from interfaces.demo.journal import BANK, Posted
from interfaces.demo.rest import Json
from interfaces.demo.statement import Costs, decimal, expected
from interfaces.demo.strategy import Sent
from interfaces.exchanges import built_in

CANDLES = built_in.candles()
CONNECTION, TRADER = "c" * 32, "a" * 32
SENT = [Sent(id="0" * 32, side="buy", size=10**18, in_quote=False, at=CANDLES.rows[5].at)]
LINES = [{"account": BANK, "asset": "USD", "amount": "9"}, {"account": "equity:owner", "asset": "USD", "amount": "-9"}]
CLAIM = Claim(
    connection=CONNECTION,
    trader=TRADER,
    candles=CANDLES,
    sent=SENT,
    statement=expected(SENT, CANDLES, start=Fraction(100_000), costs=Costs(slippage_bps=0, fee_bps=10)),
    posted=Posted(entries=({"postings": LINES},), mistake="m", reversal="r"),
)


def money(value: Fraction) -> Json:
    return {"value": decimal(value), "asset": "USD"}


def honest() -> Evidence:
    """Answers that say just what is claimed."""
    statement = CLAIM.statement
    (trade,) = statement.trades
    fill = {name: money(getattr(trade, name)) for name in ("quantity", "price", "cost", "fee")}
    position = {name: money(getattr(statement, name)) for name in ("quantity", "cost", "realised")}
    held = [
        {"asset": code, "amount": decimal(amount)}
        for (account, code), amount in CLAIM.balances().items()
        if account.endswith("holdings")
    ]
    rows = [
        {
            "account": account,
            "asset": code,
            "debit": decimal(max(amount, Fraction())),
            "credit": decimal(max(-amount, Fraction())),
        }
        for (account, code), amount in CLAIM.balances().items()
    ]
    return Evidence(
        orders=[{"id": trade.order, "status": "FILLED"}],
        fills=[{"order": trade.order, "side": trade.side, "occurred_at": trade.at.isoformat(), **fill}],
        positions=[{**position, "charges": [{"charge": "fee", **money(statement.fees)}]}],
        holdings={"balances": held},
        wallet=[],
        entries=[{}] * 103,
        bank=[{"balance": money(value)} for value in CLAIM.posted.bank_line()],
        trial_balance={
            "rows": rows,
            "totals": [{"realm": "company", "asset": "USD", "debit": "9", "credit": "9", "difference": "0"}],
        },
    )


def one_cent_more(answers: list[Json], *path: str) -> list[Json]:
    """Change one figure of the first answer."""
    first: Any = dict(answers[0])
    if path[1:]:
        first[path[0]] = one_cent_more([first[path[0]]], *path[1:])[0]
    else:
        first[path[0]] = decimal(Fraction(first[path[0]]) + Fraction(1, 100))
    return [first, *answers[1:]]


def test_answers_that_say_what_is_claimed_differ_in_nothing() -> None:
    assert differences(CLAIM, honest()) == []


H = honest()


@pytest.mark.parametrize(
    ("forged", "named"),
    [
        (replace(H, fills=one_cent_more(H.fills, "price", "value")), "fill"),
        (replace(H, positions=one_cent_more(H.positions, "cost", "value")), "position cost"),
        (replace(H, positions=[]), "position"),
        (replace(H, positions=H.positions * 2), "position: expected one"),
        (replace(H, orders=[]), "order"),
        (replace(H, holdings={"balances": one_cent_more(H.holdings["balances"], "amount")}), "holdings"),
        (replace(H, wallet=[{"bucket": "real", "state": "available", "value": "1", "asset": "USD"}]), "wallet"),
        (replace(H, bank=one_cent_more(H.bank, "balance", "value")), "statement of the bank, line 1"),
        (replace(H, entries=[]), "entries"),
        (
            replace(H, trial_balance={**H.trial_balance, "rows": one_cent_more(H.trial_balance["rows"], "debit")}),
            "trial",
        ),
        (
            replace(H, trial_balance={**H.trial_balance, "totals": one_cent_more(H.trial_balance["totals"], "debit")}),
            "trial balance: company USD does not add up",
        ),
    ],
)
def test_one_changed_figure_is_found_and_named(forged: Evidence, named: str) -> None:
    found = differences(CLAIM, forged)
    assert found
    assert all(sentence.startswith((named, "equity")) for sentence in found)
