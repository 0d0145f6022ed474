"""The entries that the finance user posts by hand: an owner's capital, a mistake and its reversal, a hundred at once.

Beside them stands what they must come to, added up without the ledger's code.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from interfaces.demo.rest import Json, Person
from interfaces.demo.statement import Row

BANK = "assets:bank:own:main"
MANY = 100
_CLIENT_BANK = "assets:bank:client:main"


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What was posted: the entries that count, and the ids of the one that was reversed and of its reversal."""

    entries: tuple[Json, ...]
    mistake: str
    reversal: str

    def balances(self) -> dict[Row, Fraction]:
        """Return the accounts these entries leave with a balance, debit positive. A reversed entry leaves none."""
        return add_up(self.entries)

    def bank_line(self) -> list[Fraction]:
        """Return the running balance of the own bank account after each of its postings, the mistake's two included."""
        first, *many = self.entries
        amounts = [_of(first, BANK), _of(_mistake(), BANK), -_of(_mistake(), BANK)]
        amounts += [_of(one, BANK) for one in many if any(line["account"] == BANK for line in one["postings"])]
        return [sum(amounts[: index + 1], Fraction(0)) for index in range(len(amounts))]


def post(finance: Person, trader: str) -> Posted:
    """Post, reverse and bulk-post. Raises `RequestRefused`."""
    capital, deposit = _capital(), _opening_balance(trader)
    finance.post("/ledger/entries", capital, key="demo-capital")
    finance.post("/ledger/entries", deposit, key="demo-opening-balance")
    mistake = finance.post("/ledger/entries", _mistake(), key="demo-mistake")["id"]
    reversal = finance.post(f"/ledger/entries/{mistake}/reverse", {"note": "twice"}, key="demo-reversal")["id"]
    many = [_charge(number) for number in range(1, MANY + 1)]
    finance.post("/ledger/entries/bulk", {"entries": many}, key="demo-many")
    return Posted(entries=(capital, deposit, *many), mistake=mistake, reversal=reversal)


def add_up(entries: Iterable[Json]) -> dict[Row, Fraction]:
    """Return the sums of entries by account and asset, without zeros."""
    sums: defaultdict[Row, Fraction] = defaultdict(Fraction)
    for entry in entries:
        for line in entry["postings"]:
            sums[line["account"], line["asset"]] += Fraction(line["amount"])
    return {row: amount for row, amount in sums.items() if amount}


def own_balances(balances: Mapping[Row, Fraction], user: str) -> dict[Row, Fraction]:
    """Return a user's own wallet as `/balances` shows it, by bucket and asset: positive is theirs."""
    root = f"liabilities:users:{user}:"
    return {
        (account.removeprefix(root), asset): -amount
        for (account, asset), amount in balances.items()
        if account.startswith(root)
    }


def _capital() -> Json:
    return _entry("capital", "250000.00", debit=BANK, credit="equity:owner", note="the owner pays in")


def _opening_balance(trader: str) -> Json:
    wallet = f"liabilities:users:{trader}:real:available"
    return _entry("opening_balance", "1250.50", debit=_CLIENT_BANK, credit=wallet, note="from the old system")


def _mistake() -> Json:
    return _entry("bank_fee", "99.99", debit="expenses:bank_fees", credit=BANK, note="posted twice at the bank")


def _charge(number: int) -> Json:
    cents = 100 + 7 * number
    amount = f"{cents // 100}.{cents % 100:02}"
    return _entry("network_fee", amount, debit="expenses:network_fees", credit=BANK, note=f"transfer {number}")


def _entry(kind: str, amount: str, *, debit: str, credit: str, note: str) -> Json:
    postings = [
        {"account": debit, "asset": "USD", "amount": amount},
        {"account": credit, "asset": "USD", "amount": f"-{amount}"},
    ]
    return {"kind": kind, "postings": postings, "note": note}


def _of(entry: Json, account: str) -> Fraction:
    return sum((Fraction(line["amount"]) for line in entry["postings"] if line["account"] == account), Fraction(0))
