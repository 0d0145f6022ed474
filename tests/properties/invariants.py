"""ACCOUNTING's invariants 1–6, 12 and 13 over a log, by a fold that imports none of the rules it checks."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

Append = Sequence[tuple[str, Any]]


def realm_of(account: str) -> str:
    root = account.partition(":")[0]
    return root if root in {"memo", "portfolio"} else "company"


def owner_of(account: str) -> str | None:
    """Return the owner of a guarded account, by ACCOUNTING's list of them."""
    parts = account.split(":")
    if parts[:2] in (["liabilities", "users"], ["memo", "users"]):
        return parts[2]
    return parts[3] if parts[:3] == ["assets", "receivable", "users"] else None


def wrong_side(account: str, units: int) -> bool:
    return owner_of(account) is not None and (units < 0 if account.startswith("assets:") else units > 0)


class Ledger:
    """Balances by account and asset, checked after every entry and every append."""

    def __init__(self) -> None:
        self.balances: dict[tuple[str, str], int] = defaultdict(int)
        self.entries: dict[str, Any] = {}
        self.reversed: set[str] = set()
        self.positions: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))

    def take(self, append: Append) -> None:
        """Take in what was appended together."""
        entries = [event.entry for _, event in append if type(event).__name__ == "EntryPosted"]
        for entry in entries:
            self._post(entry)
        for _, event in append:
            if type(event).__name__ == "PositionFilled":
                self._fill(event)
        self._cleared(entries)
        self._realms()
        self._conversion()

    def _post(self, entry: Any) -> None:  # noqa: ANN401 – it looks at entries as data
        lines = [(line.account, line.amount.asset.code, line.amount.units) for line in entry.postings]
        assert len(lines) >= 2, "1: an entry has at least two postings"
        assert all(units for _, _, units in lines), "1: none of them is zero"
        sums: dict[tuple[str, str], int] = defaultdict(int)
        for account, asset, units in lines:
            sums[realm_of(account), asset] += units
            self.balances[account, asset] += units
        assert not any(sums.values()), "1: an entry balances per asset in each realm"
        for account, asset, _ in lines:
            assert not wrong_side(account, self.balances[account, asset]), f"3: {account} is on its wrong side"
        assert len({owner_of(account) for account, _, _ in lines} - {None}) <= 1, "12: one book"
        if entry.kind == "adjustment":
            reserved = ("liabilities:clearing:", "memo:", "portfolio:")
            assert not any(account.startswith(reserved) for account, _, _ in lines), "12: reserved to flows"
        if entry.reverses is not None:
            self._reverse(entry, lines)
        assert entry.id not in self.entries, "an entry is posted once"
        self.entries[entry.id] = entry

    def _reverse(self, entry: Any, lines: list[tuple[str, str, int]]) -> None:  # noqa: ANN401 – see above
        original = self.entries[entry.reverses]
        assert original.reverses is None, "13: a reversal is not reversed"
        assert entry.reverses not in self.reversed, "13: an entry is reversed once"
        self.reversed.add(entry.reverses)
        negated = [(line.account, line.amount.asset.code, -line.amount.units) for line in original.postings]
        assert sorted(lines) == sorted(negated), "13: a reversal negates its entry"

    def _cleared(self, entries: list[Any]) -> None:
        for (account, _), units in self.balances.items():
            assert units == 0 or not account.startswith("liabilities:clearing:"), "4: clearing is zero after an append"
        lines = [(entry.effective_at, line.account) for entry in entries for line in entry.postings]
        moments = {at for at, account in lines if account.startswith("liabilities:clearing:")}
        assert len(moments) <= 1, "4: entries that meet are of one moment"

    def _realms(self) -> None:
        totals: dict[tuple[str, str], int] = defaultdict(int)
        classes: dict[tuple[str, str], int] = defaultdict(int)
        for (account, asset), units in self.balances.items():
            totals[realm_of(account), asset] += units
            classes[account.partition(":")[0], asset] += units
        assert not any(totals.values()), "2: the sum of all entries is zero per asset in each realm"
        for asset in {asset for _, asset in self.balances}:
            owed = sum(classes[root, asset] for root in ("liabilities", "equity", "revenue"))
            assert classes["assets", asset] == -owed - classes["expenses", asset], "5: assets = what they stand for"

    def _fill(self, event: Any) -> None:  # noqa: ANN401 – see above
        quantity, cost = self.positions[event.key.reference]
        for part in (*event.parts, *event.fee_parts):
            if part.effect.value != "beyond":
                quantity, cost = quantity + part.quantity.units, cost + part.cost.units
        self.positions[event.key.reference] = quantity, cost

    def _conversion(self) -> None:
        for reference, (quantity, cost) in self.positions.items():
            connection, instrument, strategy = reference.split(":")
            account = f"portfolio:{connection}:conversion:{instrument}:{strategy}"
            base, quote = instrument.upper().split("-")[:2]
            assert self.balances[account, base] == -quantity, "6: conversion is minus the quantity"
            assert self.balances[account, quote] == cost, "6: conversion is the cost"
            assert quantity >= 0, "6: a spot position is never below zero"
            assert quantity or not cost, "6: flat costs nothing"
            assert self.balances[f"portfolio:{connection}:holdings", base] >= 0, "a paper venue fills what is covered"
            assert self.balances[f"portfolio:{connection}:holdings", quote] >= 0, "a paper venue fills what is covered"


def check(appends: Iterable[Append]) -> Ledger:
    """Assert every invariant after every append."""
    ledger = Ledger()
    for append in appends:
        ledger.take(append)
    return ledger
