"""A file by which a bank pays withdrawals: CSV, exact amounts, and a control line at its end.

Which withdrawals are in it is a fact; here it is only written, as often as somebody asks, the same each time. A
payment's `reference` is the withdrawal's id: a bank that is given the same one twice can tell.
"""

import csv
import io
from dataclasses import dataclass

from application.committer import Committer
from application.payout_files import find_payout_file
from application.ports import Destinations
from domain.money import Amount
from domain.withdrawals.withdrawal import Withdrawal
from interfaces.csv_text import harmless

COLUMNS = (
    "reference", "rail", "holder", "tax_id", "country", "bank", "branch", "account", "iban", "bic", "key_type", "key",
    "amount", "asset", "requested_at",
)  # fmt: skip
CONTROL = "TOTAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFile:
    """A file for the bank as text, and how many payments of what total it asks for."""

    name: str
    text: str
    payments: int
    total: Amount


async def write_payout_file(committer: Committer, destinations: Destinations, *, tenant: str, file: str) -> WrittenFile:
    """Write a file for the bank. Raises `UnknownPayoutFile`.

    The particulars of a person who was erased since stand empty: the bank refuses that payment, and somebody fails it.
    """
    made, withdrawals = await find_payout_file(committer, tenant, file)
    known = await destinations.get_destinations(tenant, [one.destination for one in withdrawals])
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(_line(one, known.get(one.destination, {})) for one in withdrawals)
    control = {"reference": CONTROL, "rail": len(withdrawals), "amount": made.total.format_plain()}
    writer.writerow({**control, "asset": made.total.asset.code})
    name = f"payout-{tenant}-{file}.csv"
    return WrittenFile(name=name, text=text.getvalue(), payments=len(withdrawals), total=made.total)


def _line(one: Withdrawal, particulars: dict[str, str]) -> dict[str, str]:
    """Return a payment; what a person typed cannot become a formula where somebody opens the file in a spreadsheet."""
    typed = {name: _text(value) for name, value in particulars.items() if name in COLUMNS}
    return {
        **typed,
        "reference": one.withdrawal,
        "rail": one.rail.value,
        "amount": one.net.format_plain(),
        "asset": one.net.asset.code,
        "requested_at": one.requested_at.isoformat(),
    }


def _text(value: str) -> str:
    is_phone = value.startswith("+") and value[1:].isdigit()
    return value if is_phone else harmless(value)
