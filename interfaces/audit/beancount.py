"""One tenant's books for a second engine: a file that beancount reads, and a manifest that says what it must come to.

Each entry is a transaction on the day it is effective, with its id, log position and times as metadata. The manifest
names every account and commodity both ways, holds all balances, and is signed like that of any other export.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from interfaces.audit.beancount_names import account_there, commodity_there
from interfaces.audit.export import MANIFEST, SIGNATURE, CannotExport, Cut, signed_text
from interfaces.audit.notary import FileNotary
from interfaces.audit.snapshot import Connection, portions

FORMAT = "lastro-beancount-1"
FILE = "ledger.beancount"
EARLIEST = "1900-01-01"
"""Beancount knows no days long gone; what is effective before this day is dated on it, its metadata say when it was."""

_ENTRIES = """
    SELECT notification_id, state, to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    FROM log.events
    WHERE notification_id BETWEEN %s AND %s AND tenant = %s AND starts_with(topic, 'ledger.entry_posted.')
    ORDER BY notification_id
"""
_HEAD = """\
option "title" "{tenant}, log positions {first} to {last}"
option "name_income" "Revenue"
"""
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(slots=True)
class _Books:
    """What has been written: the balances in smallest units, the scale of each asset there, and when accounts begin."""

    units: dict[tuple[str, str], int] = field(default_factory=dict)
    scales: dict[tuple[str, str], int] = field(default_factory=dict)
    opened: dict[str, str] = field(default_factory=dict)
    transactions: int = 0

    def take(self, day: str, line: Mapping[str, str]) -> None:
        account, asset, amount = line["account"], line["asset"], line["amount"]
        key = account, asset
        self.units[key] = self.units.get(key, 0) + int(amount.replace(".", ""))
        self.scales[key] = len(amount.partition(".")[2])
        self.opened[account] = min(day, self.opened.get(account, day))

    def balances(self) -> list[dict[str, str]]:
        return [
            {"account": account, "asset": asset, "amount": _decimal(units, self.scales[account, asset])}
            for (account, asset), units in sorted(self.units.items())
        ]


def export_books(connection: Connection, directory: Path, cut: Cut, *, notary: FileNotary) -> dict[str, Any]:
    """Write a tenant's entries for beancount into an empty directory; return the manifest. Raises `CannotExport`."""
    if cut.tenant is None:
        raise CannotExport("books are one tenant's: say whose with --tenant")
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise CannotExport(f"{directory} is not empty")
    books, (first, last) = _Books(), cut.events
    with (directory / FILE).open("w", encoding="utf-8", newline="\n") as file:
        file.write(_HEAD.format(tenant=cut.tenant, first=first, last=last))
        for portion in portions(connection, _ENTRIES, first, last, cut.tenant):
            for position, state, recorded_at in portion:
                entry = json.loads(state)["entry"]
                file.writelines(_transaction(books, entry, position=position, recorded_at=recorded_at))
        file.writelines(f"{day} open {account_there(account)}\n" for account, day in sorted(books.opened.items()))
    manifest = _manifest(books, cut, directory / FILE, key=str(notary.key))
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    (directory / MANIFEST).write_text(text)
    (directory / SIGNATURE).write_text(notary.sign(signed_text(text)))
    return manifest


def _transaction(books: _Books, entry: Mapping[str, Any], *, position: int, recorded_at: str) -> Iterator[str]:
    day = max(entry["effective_at"][:10], EARLIEST)
    books.transactions += 1
    yield f"\n{day} * {_text(entry['kind'])} {_text(entry['note'] or entry['reference'])}\n"
    times = {"effective_at": entry["effective_at"], "occurred_at": entry["occurred_at"], "recorded_at": recorded_at}
    named = {"id": entry["id"], "reference": entry["reference"], **times}
    yield f"  log_position: {position}\n"
    yield from (f"  {name}: {_text(said)}\n" for name, said in named.items())
    for line in entry["postings"]:
        books.take(day, line)
        yield f"  {account_there(line['account'])}  {line['amount']} {commodity_there(line['asset'])}\n"


def _manifest(books: _Books, cut: Cut, file: Path, *, key: str) -> dict[str, Any]:
    assets = sorted({asset for _, asset in books.units})
    return {
        "format": FORMAT,
        "key": key,
        "tenant": cut.tenant,
        "events": {"from": cut.events[0], "to": cut.events[1]},
        "transactions": books.transactions,
        "file": {"name": FILE, "sha256": sha256(file.read_bytes()).hexdigest()},
        "accounts": {account: account_there(account) for account in sorted(books.opened)},
        "commodities": {asset: commodity_there(asset) for asset in assets},
        "balances": books.balances(),
    }


def _decimal(units: int, scale: int) -> str:
    digits = str(abs(units)).rjust(scale + 1, "0")
    whole, decimals = (digits[:-scale], f".{digits[-scale:]}") if scale else (digits, "")
    return f"{'-' if units < 0 else ''}{whole}{decimals}"


def _text(said: str) -> str:
    """Return a text in quotes; what cannot be printed becomes a space."""
    escaped = _UNPRINTABLE.sub(" ", said).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
