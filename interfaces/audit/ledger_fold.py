"""The auditor's own fold of the ledger: stored JSON and dictionaries, naive on purpose, and no code of the rest."""

from typing import Any

Key = tuple[str, str, str, int]  # tenant, account (or the name of a sum), asset, decimals


def describe(path: str) -> tuple[str, int, str, str]:
    """Return realm, right side (0: either), book, and the sum, if any, that every append leaves at zero."""
    match path.split(":"):
        case ["liabilities", "users", user, *_] | ["assets", "receivable", "users", user]:
            return "company", 1 if path.startswith("assets") else -1, user, ""
        case ["liabilities", "clearing", *_]:
            return "company", 0, "", path
        case ["memo", "users", user, units]:
            return "memo", -1, user, f"memo:{units}"
        case ["memo", units, *_]:
            return "memo", 0, "", f"memo:{units}"
        case ["portfolio", connection, *_]:
            return "portfolio", 0, f"portfolio-{connection}", ""
        case _:
            return "company", 0, "", ""


class LedgerFold:
    """Balances are debit positive. ledger_ends.py judges what an append touched, ledger_once.py what happens once."""

    def __init__(self) -> None:
        self.balances: dict[Key, int] = {}
        self.findings: dict[tuple[str, int], str] = {}  # one sentence for each check and log position
        self.touched: dict[Key, tuple[int, str]] = {}  # accounts of books: their right side and book
        self.moved: dict[Key, list[tuple[str, int]]] = {}  # sums to be left at zero: effective_at and units
        self._known: dict[str, tuple[str, int, str, str]] = {}

    def take(self, fact: dict[str, Any], tenant: str, *, stream: str, position: int) -> None:
        """Add an entry; entries come in log order."""
        sums: dict[tuple[str, str, int], int] = {}
        entry, balances, touched, books = fact["entry"], self.balances, {}, {}
        for line in entry["postings"]:
            path, asset, amount = line["account"], line["asset"], line["amount"]
            whole, _, decimals = amount.partition(".")
            units, scale = int(whole + decimals), len(decimals)
            realm, side, book, total = self._known.get(path) or self._known.setdefault(path, describe(path))
            key, unit = (tenant, path, asset, scale), (realm, asset, scale)
            balances[key] = balances.get(key, 0) + units
            sums[unit] = sums.get(unit, 0) + units
            if book:
                touched[key], books[book] = (side, book), side
            if total:
                self.moved.setdefault((tenant, total, asset, scale), []).append((entry["effective_at"], units))
            if not units:
                self.findings["entries", position] = f"it has a line of zero on {path}"
        if any(sums.values()) or not entry["postings"][1:]:
            self.findings["entries", position] = f"its {len(entry['postings'])} lines come to {sums}"
        for key, (side, _) in touched.items():
            if balances[key] * side < 0:
                self.findings["guards", position] = f"{key} comes to {balances[key]}"
        if len(books) > 1 or stream != f"{tenant}:book-{next(iter(books), '') or 'house-' + fact['posted_at'][:7]}":
            self.findings["books", position] = f"it lies in {stream} and touches the books {list(books)}"
        self.touched.update(touched)
