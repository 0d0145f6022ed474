"""Names of streams, in one place: `<tenant>:<category>-<id>`.

Nothing else builds or takes apart a stream's name. An open stream is written without a base version: nobody decides
on its state, so writing to it never conflicts.
"""

from datetime import datetime
from functools import lru_cache
from hashlib import sha256

SYSTEM = "system"
TIME_DAYS = f"{SYSTEM}:time-days"
_PORTFOLIO = "book-portfolio"


def decided_as(stream: str) -> str:
    """Return the category, or `book-portfolio` for the one kind of book that keeps other state than the rest."""
    name = stream.partition(":")[2]
    return _PORTFOLIO if name.startswith(_PORTFOLIO) else name.partition("-")[0]


def tenant_of(stream: str) -> str:
    """Return the tenant of a stream."""
    return stream.partition(":")[0]


def id_of(stream: str) -> str:
    """Return the id of a stream: everything behind its category."""
    return stream.partition(":")[2].partition("-")[2]


def is_open(stream: str) -> bool:
    """Tell whether a stream may be written without a base version (CONTRACT, Books)."""
    return stream.partition(":")[2].startswith(("book-house-", "book-portfolio-"))


def is_house(stream: str) -> bool:
    """Tell whether a stream is a house book, whose state nobody asks for."""
    return stream.partition(":")[2].startswith("book-house-")


def book(tenant: str, user: str) -> str:
    """Name the book of a user."""
    return f"{tenant}:book-{user}"


def house_book(tenant: str, at: datetime) -> str:
    """Name the house book of the month in which an entry is posted."""
    return f"{tenant}:book-house-{at:%Y-%m}"


def portfolio_book(tenant: str, connection: str) -> str:
    """Name the book of a connection's portfolio."""
    return f"{tenant}:book-portfolio-{connection}"


def user(tenant: str, user_id: str) -> str:
    """Name the stream of a user."""
    return f"{tenant}:user-{user_id}"


def email(tenant: str, email_hmac: str) -> str:
    """Name the stream that makes an e-mail address unique; the address itself stays in the vault."""
    return f"{tenant}:email-{email_hmac}"


def reference(tenant: str, kind: str, text: str) -> str:
    """Name the stream that makes an entry's reference unique per kind."""
    return f"{tenant}:reference-{_digest(kind, text)}"


def reversal(tenant: str, entry: str) -> str:
    """Name the stream that lets an entry be reversed once."""
    return f"{tenant}:reversal-{entry}"


def connection(tenant: str, connection_id: str) -> str:
    """Name the stream of a connection to a venue."""
    return f"{tenant}:connection-{connection_id}"


def order(tenant: str, order_id: str) -> str:
    """Name the stream of an order."""
    return f"{tenant}:order-{order_id}"


def position(tenant: str, connection_id: str, *, instrument: str, strategy: str | None) -> str:
    """Name the stream of the position of one (connection, instrument, strategy or none)."""
    return f"{tenant}:position-{_digest(connection_id, instrument, strategy or 'none')}"


def destination(tenant: str, destination_id: str) -> str:
    """Name the stream of a destination of withdrawals."""
    return f"{tenant}:destination-{destination_id}"


def api_key(tenant: str, key: str) -> str:
    """Name the stream of an API key."""
    return f"{tenant}:api_key-{key}"


def withdrawal(tenant: str, withdrawal_id: str) -> str:
    """Name the stream of a withdrawal."""
    return f"{tenant}:withdrawal-{withdrawal_id}"


def payout_file(tenant: str, file: str) -> str:
    """Name the stream of a file by which the bank pays withdrawals."""
    return f"{tenant}:payout_file-{file}"


def timer(tenant: str, timer_id: str) -> str:
    """Name the stream of a timer."""
    return f"{tenant}:timer-{timer_id}"


def rate(tenant: str, base: str, quote_asset: str) -> str:
    """Name the stream of the rates of a pair."""
    return f"{tenant}:rate-{base.lower()}-{quote_asset.lower()}"


def quote(tenant: str, quote_id: str) -> str:
    """Name the stream of a quote."""
    return f"{tenant}:quote-{quote_id}"


def fx(tenant: str, base: str, quote_asset: str) -> str:
    """Name the stream of our open position in a pair."""
    return f"{tenant}:fx-{base.lower()}-{quote_asset.lower()}"


def transfer(tenant: str, transfer_id: str) -> str:
    """Name the stream of a transfer between users."""
    return f"{tenant}:transfer-{transfer_id}"


def proposal(tenant: str, proposal_id: str) -> str:
    """Name the stream of what one person proposed and another decides."""
    return f"{tenant}:proposal-{proposal_id}"


def deposit(tenant: str, deposit_id: str) -> str:
    """Name the stream of a deposit."""
    return f"{tenant}:deposit-{deposit_id}"


def refund(tenant: str, refund_id: str) -> str:
    """Name the stream of a refund."""
    return f"{tenant}:refund-{refund_id}"


def dispute(tenant: str, dispute_id: str) -> str:
    """Name the stream of a dispute."""
    return f"{tenant}:dispute-{dispute_id}"


def payout(tenant: str, payout_id: str) -> str:
    """Name the stream of a payout."""
    return f"{tenant}:payout-{payout_id}"


def receipt(tenant: str, receipt_id: str) -> str:
    """Name the stream of a receipt at the bank."""
    return f"{tenant}:receipt-{receipt_id}"


def write_off(tenant: str, write_off_id: str) -> str:
    """Name the stream of what a user owed and we gave up."""
    return f"{tenant}:write_off-{write_off_id}"


def allowance(tenant: str, asset_code: str) -> str:
    """Name the stream of the allowance for credit losses of an asset."""
    return f"{tenant}:allowance-{asset_code.lower()}"


def outside_fact(tenant: str, source: str, movement: str) -> str:
    """Name the stream that lets a line of a provider's or a bank's account be booked once."""
    return f"{tenant}:outside_fact-{_digest(source, movement)}"


def inbox(provider: str, event: str) -> str:
    """Name the stream of a provider's message."""
    return f"{SYSTEM}:inbox-{_digest(provider, event)}"


def refusal(tenant: str, command_id: str) -> str:
    """Name the stream that records that state refused a policy's command."""
    return f"{tenant}:refusal-{command_id}"


@lru_cache(maxsize=1_024)
def tenant(name: str) -> str:
    """Name the stream of a tenant."""
    return f"{SYSTEM}:tenant-{name}"


@lru_cache(maxsize=1_024)
def asset(code: str) -> str:
    """Name the stream of an asset."""
    return f"{SYSTEM}:asset-{code}"


def _digest(*parts: str) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()[:32]
