"""The report of an audit: a line per check for people, one object for machines. It only says what was found."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from interfaces.audit.findings import Tally
from interfaces.audit.models import check_of
from interfaces.audit.verify import CHECKS, Verified
from projections.models import PROJECTIONS

SAYS: Mapping[str, str] = {
    "log positions": "log positions are contiguous from 1: nothing was dropped",
    "stream versions": "versions of every stream are contiguous from 1",
    "appends": "appends are whole, each of one command, actor and moment",
    "times": "recorded_at never decreases along the log",
    "tenants": "every stream is its tenant's",
    "event ids": "no event id occurs twice",
    "codec": "every event decodes strictly and encodes to the same bytes; entries lie under their own ids",
    "receipts": "receipts are gap-free, under derived ids, and point at their appends; refusals at nothing",
    "entries": "1 · an entry has two lines or more, none of zero, that come to zero per asset and realm",
    "totals": "2 · so do all entries together",
    "guards": "3 · no guarded account is on its wrong side, in log order",
    "clearing": "4 · clearing accounts are zero after every append; what meets there takes effect at once",
    "equation": "5 · assets = liabilities + equity + revenue − expenses, per asset",
    "liabilities": "9 · trees of what is owed come to users + payable, and are what was signed",
    "positions": "6 · conversion accounts and results equal the fold of fills; flat costs nothing, spot is never short",
    "fills": "6 · every fill is booked once by its position, in the parts that the fold has",
    "books": "12 · an entry touches the accounts of one book and lies there",
    "reversals": "13 · a reversal negates one entry that is no reversal, and no entry is reversed twice",
    "trades": "14 · no trade is booked twice",
    "withdrawals": "15 · payable is what was approved and is unpaid, after every append",
    "receivables": "17 · who owes has nothing available in that asset",
    "memo": "18 · bonus and credits issued are what users hold",
    "claims": "references, reversals and e-mail addresses are claimed where they are used",
    "snapshots": "snapshots are what replay comes to",
    "evidence of events": "every sealed event is byte for byte what was sealed",
    "evidence of receipts": "every sealed receipt is byte for byte what was sealed",
    "checkpoints": "checkpoints are signed, stand for the hashes that are stored, and follow one another",
    "cursors": "cursors of read models lie at ends of appends, not beyond the log",
    **{check_of(name): f"10 · read model `{name}` equals replay at its cursor" for name in PROJECTIONS},
}
assert set(CHECKS) == set(SAYS), "every check says what it checks"


def as_object(verified: Verified) -> dict[str, Any]:
    """Return the report as one JSON object; `found` counts all findings, of which the first are listed."""
    first = verified.first_wrong
    return {
        "sound": verified.is_sound,
        "log_position": verified.log_position,
        "from": verified.scope.behind + 1,
        "found_outside": verified.outside,
        "taken_over": verified.taken_over,
        "receipts": verified.receipts,
        "first_wrong": None
        if first is None
        else {"check": first.check, "log_position": first.log_position, "what": first.what},
        "seconds": round(verified.seconds, 3),
        "events_per_s": round(verified.events_per_s),
        "checks": [
            {
                "check": tally.check,
                "says": SAYS.get(tally.check, ""),
                "counts": tally.counts,
                "seconds": round(tally.seconds, 3),
                "found": tally.found,
                "findings": [
                    {"log_position": finding.log_position, "what": finding.what} for finding in tally.findings
                ],
            }
            for tally in verified.checks
        ],
    }


def show(verified: Verified, console: Console) -> None:
    """Print the report: what was checked, how much of it, how long it took, and what is wrong."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("check", no_wrap=True)
    table.add_column("what holds")
    table.add_column("looked at", justify="right")
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for tally in verified.checks:
        table.add_row(tally.check, SAYS.get(tally.check, ""), _counts(tally), _time(tally), _verdict(tally))
    console.print(table)
    for tally in verified.checks:
        for finding in tally.findings:
            where = "no log position" if finding.log_position is None else f"log position {finding.log_position}"
            console.print(Text(f"{finding.check}, {where}: {finding.what}", style="red"), soft_wrap=True)
        if tally.found > len(tally.findings):
            console.print(Text(f"{tally.check}: {tally.found - len(tally.findings)} more", style="red"))
    console.print(Text(_summary(verified), style="bold"), soft_wrap=True)


def _counts(tally: Tally) -> str:
    return ", ".join(f"{number:,} {what}" for what, number in tally.counts.items()) or "nothing yet"


def _time(tally: Tally) -> str:
    """Return the time of a pass; the checks that share it with the one above have none of their own."""
    return f"{tally.seconds:.2f} s" if tally.seconds else "″"


def _verdict(tally: Tally) -> Text:
    return Text(f"{tally.found} found", style="red") if tally.found else Text("ok", style="green")


def _first(verified: Verified) -> str:
    first = verified.first_wrong
    return "" if first is None else f" The first wrong log position is {first.log_position} ({first.check})."


def _summary(verified: Verified) -> str:
    found, behind = sum(tally.found for tally in verified.checks), verified.scope.behind
    verdict = "Everything holds." if not found else f"Not everything holds: {found} found.{_first(verified)}"
    begin = f"from log position {behind + 1} " if behind else ""
    return (
        f"{verdict} {verified.events:,} events and {verified.receipts:,} receipts {begin}up to log position "
        f"{verified.log_position} in {verified.seconds:.1f} s, {verified.events_per_s:,.0f} events/s."
        f"{_beyond(verified)}"
    )


def _beyond(verified: Verified) -> str:
    """Return what the verdict does not speak of: a range, and pieces that this run has not looked at itself."""
    said = ""
    if not verified.scope.is_whole:
        said += f" Outside this range nothing is judged; {verified.outside} found there on the way."
    if verified.taken_over:
        said += f" {verified.taken_over} pieces of the work were done by a run before this one."
    return said
