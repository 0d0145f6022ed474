"""Read everything back over REST, and compare it with the demo's own statement: each difference is one sentence.

Nothing is rounded and nothing is close enough. What the demo prints afterwards is what was read here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import TypeVar

from interfaces.demo.journal import BANK, MANY, Posted, own_balances
from interfaces.demo.rest import Json, Person
from interfaces.demo.statement import Row, Statement, Trade, decimal, equity_curve
from interfaces.demo.strategy import Sent
from interfaces.exchanges.candles import Candles

K = TypeVar("K")
_MANUAL_KINDS = ("capital", "opening_balance", "bank_fee", "network_fee")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the API answered: `entries` are those posted by hand, `bank` the statement of the own bank account."""

    orders: list[Json]
    fills: list[Json]
    positions: list[Json]
    holdings: Json
    wallet: list[Json]
    entries: list[Json]
    bank: list[Json]
    trial_balance: Json

    @property
    def trades(self) -> list[Trade]:
        """The fills, oldest first."""
        return [_trade(fill) for fill in reversed(self.fills)]

    def trial_rows(self) -> dict[Row, Fraction]:
        """Return the trial balance, debit positive."""
        rows = self.trial_balance["rows"]
        return {(row["account"], row["asset"]): Fraction(row["debit"]) - Fraction(row["credit"]) for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What the demo says must have come of what it did."""

    connection: str
    trader: str
    candles: Candles
    sent: list[Sent]
    statement: Statement
    posted: Posted

    def balances(self) -> dict[Row, Fraction]:
        """Return all accounts with a balance: the portfolio's and those of the entries posted by hand."""
        return {**self.statement.balances(self.connection, self.candles), **self.posted.balances()}


def read_back(trader: Person, auditor: Person, *, connection: str, at_least: int) -> Evidence:
    """Ask for everything, once the read models have come to the last thing done. Raises `RequestRefused`."""
    holdings = f"portfolio:{connection}:holdings"
    entries = (auditor.items("/ledger/entries", at_least=at_least, kind=kind) for kind in _MANUAL_KINDS)
    return Evidence(
        orders=trader.items("/orders", at_least=at_least),
        fills=trader.items("/fills", at_least=at_least),
        positions=trader.items("/positions", at_least=at_least),
        holdings=auditor.get(f"/ledger/accounts/{holdings}/balances", at_least=at_least),
        wallet=trader.get("/balances", at_least=at_least)["balances"],
        entries=[entry for found in entries for entry in found],
        bank=auditor.items(f"/ledger/accounts/{BANK}/statement", at_least=at_least),
        trial_balance=auditor.get("/ledger/trial-balance", at_least=at_least),
    )


def differences(claim: Claim, found: Evidence) -> list[str]:
    """Return what differs between the demo's own statement and what was read back; nothing when all is well."""
    return [*_trading(claim, found), *_ledger(claim, found)]


def _trading(claim: Claim, found: Evidence) -> Iterator[str]:
    statement = claim.statement
    rejected = set(statement.rejected)
    ends = {order.id: "REJECTED" if order.id in rejected else "FILLED" for order in claim.sent}
    yield from _compare("order", ends, {order["id"]: order["status"] for order in found.orders})
    yield from _compare("fill", _by_field(statement.trades), _by_field(found.trades))
    want = {"quantity": statement.quantity, "cost": statement.cost, "realised": statement.realised}
    position = found.positions[0] if found.positions else None
    read = {name: Fraction(position[name]["value"]) if position else Fraction(0) for name in want}
    charged = [charge["value"] for charge in position["charges"]] if position else []
    want["fees"], read["fees"] = statement.fees, sum(map(Fraction, charged), Fraction(0))
    yield from _compare("position", want, read)
    if len(found.positions) > 1:
        yield f"position: expected one, read {len(found.positions)}"
    curves = (equity_curve(trades, claim.candles, start=statement.start) for trades in (statement.trades, found.trades))
    expected, read_curve = curves
    if expected != read_curve:
        yield "equity: the curve of the fills read differs from the expected one"


def _ledger(claim: Claim, found: Evidence) -> Iterator[str]:
    balances = claim.balances()
    yield from _compare("trial balance", balances, found.trial_rows())
    for total in found.trial_balance["totals"]:
        if Fraction(total["debit"]) != Fraction(total["credit"]) or Fraction(total["difference"]):
            yield f"trial balance: {total['realm']} {total['asset']} does not add up to zero"
    account = f"portfolio:{claim.connection}:holdings"
    held = {(account, one["asset"]): Fraction(one["amount"]) for one in found.holdings["balances"]}
    own = {row: amount for row, amount in balances.items() if row[0] == account}
    yield from _compare("holdings", own, {row: amount for row, amount in held.items() if amount})
    wallet = {(f"{one['bucket']}:{one['state']}", one["asset"]): Fraction(one["value"]) for one in found.wallet}
    yield from _compare("wallet", own_balances(balances, claim.trader), {row: v for row, v in wallet.items() if v})
    line = claim.posted.bank_line()
    read = [Fraction(one["balance"]["value"]) for one in found.bank]
    yield from _compare("statement of the bank, line", dict(enumerate(line, 1)), dict(enumerate(read, 1)))
    # Capital, opening balance, the mistake and the hundred; the reversal is of another kind.
    yield from _compare("entries", {"posted": MANY + 3}, {"posted": len(found.entries)})


def _compare(what: str, expected: Mapping[K, object], read: Mapping[K, object]) -> Iterator[str]:
    for key in [*expected, *(key for key in read if key not in expected)]:
        one, other = expected.get(key), read.get(key)
        if one != other:
            name = " ".join(key) if isinstance(key, tuple) else key
            yield f"{what} {name}: expected {_shown(one)}, read {_shown(other)}"


def _shown(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case Fraction():
            return decimal(value)
        case _:
            return str(value)


def _by_field(trades: list[Trade]) -> dict[tuple[str, str], object]:
    return {(trade.order, name): getattr(trade, name) for trade in trades for name in Trade.__slots__}


def _trade(fill: Json) -> Trade:
    return Trade(
        order=fill["order"],
        side=fill["side"],
        at=datetime.fromisoformat(fill["occurred_at"]),
        quantity=Fraction(fill["quantity"]["value"]),
        price=Fraction(fill["price"]["value"]),
        cost=Fraction(fill["cost"]["value"]),
        fee=Fraction(fill["fee"]["value"]),
    )
