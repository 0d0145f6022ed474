"""A deliberately naive second opinion: closing figures from an exported log, with the standard library alone.

It adds up every posting of every entry, one after the other, in fractions. It shares no line with what it checks, knows
no database, and is run as a program of its own: `python naive.py EVENTS.NDJSON TENANT`.
"""

import json
import sys
from collections import defaultdict
from fractions import Fraction
from pathlib import Path

Figures = dict[str, dict[str, str]]


def reckon(events: Path, tenant: str) -> dict[str, Figures]:
    """Return balances, balances at the end of each month, and results of each month, by account or month and asset."""
    balances: defaultdict[tuple[str, str], Fraction] = defaultdict(Fraction)
    moved: defaultdict[tuple[str, str, str], Fraction] = defaultdict(Fraction)
    results: defaultdict[tuple[str, str], Fraction] = defaultdict(Fraction)
    with events.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["type"] != "ledger.entry_posted.v1" or row["tenant"] != tenant:
                continue
            entry = json.loads(row["state"])["entry"]
            month = entry["effective_at"][:7]
            for posting in entry["postings"]:
                account, asset, amount = posting["account"], posting["asset"], Fraction(posting["amount"])
                balances[account, asset] += amount
                moved[month, account, asset] += amount
                if account.split(":")[0] in ("revenue", "expenses") and entry["kind"] != "closing":
                    results[month, asset] -= amount
    return {"balances": _by_first(balances), "months": _months(moved), "results": _by_first(results)}


def _months(moved: dict[tuple[str, str, str], Fraction]) -> Figures:
    """Return, for each month, the balance of every `account asset` at its end."""
    running: defaultdict[str, Fraction] = defaultdict(Fraction)
    shown: Figures = {}
    for month in sorted({month for month, _, _ in moved}):
        for (of, account, asset), amount in moved.items():
            if of == month:
                running[f"{account} {asset}"] += amount
        shown[month] = {key: str(amount) for key, amount in running.items() if amount}
    return shown


def _by_first(figures: dict[tuple[str, str], Fraction]) -> Figures:
    shown: Figures = {}
    for (first, second), amount in figures.items():
        if amount:
            shown.setdefault(first, {})[second] = str(amount)
    return shown


if __name__ == "__main__":
    sys.stdout.write(json.dumps(reckon(Path(sys.argv[1]), sys.argv[2])))
