"""Show what was read back: tables and a sparkline for people, one object for programs. It computes no figure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction

from rich.console import Console
from rich.table import Table

from interfaces.demo.evidence import Evidence
from interfaces.demo.rest import Json
from interfaces.demo.statement import Trade, decimal
from interfaces.demo.wallets import Wallets

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 80
_SHOWN_FILLS = 20
_SHOWN_DIFFERENCES = 20
_FILE_WIDTH = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Everything the demo has to say at its end."""

    evidence: Evidence
    equity: list[Fraction]
    wallets: Wallets
    differences: list[str]
    audit: Json
    audit_exit: int
    seconds: int
    candles: int

    @property
    def is_fine(self) -> bool:
        """Whether nothing differs and the audit has found nothing."""
        return not self.differences and self.audit_exit == 0

    def as_json(self) -> Json:
        """Return the one object of `--json`."""
        found = self.evidence
        return {
            "fine": self.is_fine,
            "candles": self.candles,
            "equity": {"first": decimal(self.equity[0]), "last": decimal(self.equity[-1])},
            "orders": found.orders,
            "fills": found.fills,
            "positions": found.positions,
            "balances": found.wallet,
            "holdings": found.holdings,
            "trial_balance": found.trial_balance,
            "wallets": asdict(self.wallets),
            "differences": self.differences,
            "audit": self.audit,
            "seconds": self.seconds,
        }


def render(outcome: Outcome) -> None:
    """Print what was read back, what differs, and what the audit says."""
    console = Console(markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    found = outcome.evidence
    console.print(_fills(found.trades))
    console.print(f"Equity after each of {outcome.candles} candles, from the fills read back:")
    first, last = (cents(value) for value in (outcome.equity[0], outcome.equity[-1]))
    console.print(f"{first} {sparkline(outcome.equity)} {last}\n", highlight=False, soft_wrap=True)
    console.print(_positions(found.positions))
    console.print(_trial_balance(found.trial_balance))
    wallet = ", ".join(f"{one['value']} {one['asset']} {one['bucket']} {one['state']}" for one in found.wallet)
    console.print(f"The trader's wallet: {wallet}. Entries posted by hand: {len(found.entries)}, one reversed.")
    _show_wallets(console, outcome.wallets)
    for difference in outcome.differences[:_SHOWN_DIFFERENCES]:
        console.print(f"differs: {difference}", style="red", highlight=False, soft_wrap=True)
    if len(outcome.differences) > _SHOWN_DIFFERENCES:
        console.print(f"… and {len(outcome.differences) - _SHOWN_DIFFERENCES} more differences (--json lists all)")
    if not outcome.differences:
        console.print("Everything above was read back over REST and equals the statement computed from the candles.")
    verdict = "found nothing wrong" if outcome.audit_exit == 0 else f"ended with {outcome.audit_exit}: {outcome.audit}"
    console.print(f"lastro audit verify {verdict}. {outcome.seconds} s in all.", highlight=False)


def _show_wallets(console: Console, scene: Wallets) -> None:
    """Print the same money as its owners, the operator and the accountant see it."""
    (waiting,) = scene.queue or [{}]
    console.print("\nMoney in and out: Ana pays in 100.00 by a signed message, sends Bob 25.00 and withdraws 50.00.")
    console.print(f"The operator's queue held {len(scene.queue)}: {waiting.get('status')}, approved and paid since.")
    for name, wallet in (("Ana", scene.ana), ("Bob", scene.bob)):
        shown = ", ".join(f"{one['value']} {one['asset']} {one['bucket']} {one['state']}" for one in wallet)
        console.print(f"{name}'s wallet: {shown}")
    console.print(_trial_balance(scene.trial_balance))


def sparkline(values: Sequence[Fraction]) -> str:
    """Return the values as bars, one of at most 80 per share of them, each showing its last value."""
    picked = [values[(index + 1) * len(values) // _WIDTH - 1] for index in range(_WIDTH)]
    shown = picked if len(values) >= _WIDTH else list(values)
    low, high = min(shown), max(shown)
    span = high - low or Fraction(1)
    return "".join(_BARS[int((value - low) / span * (len(_BARS) - 1))] for value in shown)


def cents(value: Fraction) -> str:
    """Return an amount to the cent, rounded down: for people, never for a comparison."""
    units = value.numerator * 100 // value.denominator
    return f"{'-' if units < 0 else ''}{abs(units) // 100:,}.{abs(units) % 100:02}"


def _fills(trades: Sequence[Trade]) -> Table:
    skipped = max(0, len(trades) - _SHOWN_FILLS)
    title = f"Fills ({len(trades)})" if not skipped else f"Fills (the last {_SHOWN_FILLS} of {len(trades)})"
    table = _table(title, "candle", "side", numbers=("quantity", "price", "value", "fee"))
    for trade in trades[skipped:]:
        figures = (decimal(trade.quantity), cents(trade.price), cents(trade.cost), cents(trade.fee))
        table.add_row(f"{trade.at:%Y-%m-%d %H:%M}", trade.side, *figures)
    return table


def _positions(positions: Sequence[Json]) -> Table:
    table = _table("Positions", "instrument", numbers=("quantity", "cost", "realised", "fees"))
    for one in positions:
        fees = sum((Fraction(charge["value"]) for charge in one["charges"]), Fraction(0))
        figures = (cents(Fraction(one[name]["value"])) for name in ("cost", "realised"))
        table.add_row(one["instrument"], one["quantity"]["value"], *figures, cents(fees))
    return table


def _trial_balance(answer: Json) -> Table:
    table = _table("Trial balance", "account", "asset", numbers=("debit", "credit"))
    for row in answer["rows"]:
        table.add_row(_short(row["account"]), row["asset"], _unless_zero(row["debit"]), _unless_zero(row["credit"]))
    table.add_section()
    for total in answer["totals"]:
        table.add_row(f"total {total['realm']}", total["asset"], total["debit"], total["credit"], style="bold")
    return table


def _table(title: str, *texts: str, numbers: tuple[str, ...]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in texts:
        table.add_column(name, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right", overflow="fold")
    return table


def _short(account: str) -> str:
    """Cut ids down to what tells them apart on a screen."""
    return ":".join(f"{part[:8]}…" if len(part) == 32 else part for part in account.split(":"))  # noqa: PLR2004 - an id


def _unless_zero(text: str) -> str:
    return text if Fraction(text) else ""
