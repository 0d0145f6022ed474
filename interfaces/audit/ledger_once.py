"""What may happen once: the reversal of an entry, and the booking of a trade. As naive as the fold beside it.

A reversal is compared with its original when that is handed over; one that nobody hands over reverses nothing.
"""

from typing import Any

Found = dict[tuple[str, int], str]
TRADES = ("fill", "liquidation")


class Once:
    """Takes the entries that reverse another or book a trade, in log order."""

    def __init__(self, findings: Found) -> None:
        self.findings = findings
        self.reversals: dict[str, tuple[str, int, dict[str, Any]]] = {}
        self._trades: dict[tuple[str, str, str], int] = {}

    def take(self, entry: dict[str, Any], tenant: str, position: int) -> None:
        """Remember what the entry reverses and which trade it books."""
        original, trade = entry["reverses"], entry["metadata"].get("trade_id")
        if original is not None:
            if original in self.reversals:
                self.findings["reversals", position] = f"it reverses {original} once more"
            self.reversals.setdefault(original, (tenant, position, entry))
        if trade is not None and entry["kind"] in TRADES:
            key = tenant, entry["reference"].rpartition(":")[0], trade
            if key in self._trades:
                self.findings["trades", position] = f"trade {trade} was booked at log position {self._trades[key]}"
            self._trades.setdefault(key, position)

    def settle(self, original: dict[str, Any], tenant: str, position: int) -> None:
        """Compare an entry with the one that reverses it."""
        of, at, reversal = self.reversals.pop(original["id"])
        if (of, at) <= (tenant, position) or of != tenant:
            self.findings["reversals", at] = f"it reverses {original['id']} of {tenant}, posted at {position}"
        elif original["reverses"] is not None:
            self.findings["reversals", at] = f"it reverses a reversal, {original['id']}"
        elif _lines(original) != _lines(reversal, negated=True):
            self.findings["reversals", at] = f"it does not negate {original['id']}, line by line"

    def close(self) -> None:
        """Tell of reversals whose original nobody has handed over."""
        for original, (_, position, _) in self.reversals.items():
            self.findings["reversals", position] = f"it reverses {original}, which was never posted"


def _lines(entry: dict[str, Any], *, negated: bool = False) -> list[tuple[str, str, str]]:
    lines = [(line["account"], line["asset"], line["amount"]) for line in entry["postings"]]
    if negated:
        lines = [(path, asset, text[1:] if text.startswith("-") else f"-{text}") for path, asset, text in lines]
    return sorted(lines)
