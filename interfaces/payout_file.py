"""The file by which a bank pays approved withdrawals: CSV, exact amounts, with a control line at its end.

It is made anew from what is approved and unpaid each time it is asked for. A payment's `reference` is the withdrawal's
id: a bank that is given the same one twice can tell.
"""

import csv
import io
from dataclasses import dataclass

from application.ports import Destinations
from application.store import Connection
from domain.destinations import Kind
from domain.ids import DestinationId
from domain.money import Amount
from projections.paging import MOST_ITEMS
from projections.withdrawals import WaitsFor, Withdrawal, list_queue

COLUMNS = (
    "reference", "rail", "holder", "tax_id", "country", "bank", "branch", "account", "iban", "bic", "key_type", "key",
    "amount", "asset", "requested_at",
)  # fmt: skip
CONTROL = "TOTAL"
BANK_RAILS = frozenset(Kind) - {Kind.CRYPTO}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutFile:
    """A file for the bank: how many payments it asks for, and what they come to."""

    name: str
    text: str
    payments: int
    total: Amount | None
    log_position: int


async def write_payout_file(
    connection: Connection, destinations: Destinations, *, tenant: str, asset: str
) -> PayoutFile:
    """Write all payments in an asset that wait for the bank, oldest first.

    A withdrawal whose particulars nobody can read any more, its person being erased, is left out: it stays in the
    queue until somebody fails it.
    """
    waiting, position = await _waiting(connection, asset)
    known = await destinations.get_destinations(tenant, [DestinationId(one.destination) for one in waiting])
    payable = [one for one in waiting if one.destination in known]
    total = sum((one.net for one in payable[1:]), start=payable[0].net) if payable else None
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for one in payable:
        writer.writerow(_line(one, known[DestinationId(one.destination)]))
    shown_total = "0" if total is None else total.format_plain()
    writer.writerow({"reference": CONTROL, "rail": len(payable), "amount": shown_total, "asset": asset})
    name = f"payout-{tenant}-{asset.lower()}-{position}.csv"
    return PayoutFile(name=name, text=text.getvalue(), payments=len(payable), total=total, log_position=position)


async def _waiting(connection: Connection, asset: str) -> tuple[list[Withdrawal], int]:
    found: list[Withdrawal] = []
    cursor: str | None = None
    while True:
        page = await list_queue(
            connection, waits_for=WaitsFor.PAYMENT, rails=BANK_RAILS, asset=asset, limit=MOST_ITEMS, cursor=cursor
        )
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found, page.log_position


def _line(one: Withdrawal, particulars: dict[str, str]) -> dict[str, str]:
    """Return a payment; what a person typed cannot become a formula where somebody opens the file in a spreadsheet."""
    typed = {name: _text(value) for name, value in particulars.items() if name in COLUMNS}
    return {
        **typed,
        "reference": one.id,
        "rail": one.rail.value,
        "amount": one.net.format_plain(),
        "asset": one.net.asset.code,
        "requested_at": one.requested_at.isoformat(),
    }


def _text(value: str) -> str:
    is_phone = value.startswith("+") and value[1:].isdigit()
    return f"'{value}" if value.startswith(_FORMULA) and not is_phone else value
