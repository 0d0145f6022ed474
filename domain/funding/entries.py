"""The entries of money that comes in and is taken back, row by row as ACCOUNTING has them. Zero lines are left out.

Each is a function of what its subject knows, so the original of a reversal is made again and never looked up.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.ids import AccountPath, EntryId, UserId
from domain.ledger.accounts import Bucket, available, held
from domain.ledger.book import Book
from domain.ledger.entry import LEAST_POSTINGS, JournalEntry, Posting
from domain.ledger.set_off import credit, take_back
from domain.money import Amount
from domain.payments import BalanceMovement

_PSP_FEES = AccountPath("expenses:psp_fees")
_DISPUTES = AccountPath("expenses:disputes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """What the entries of one step share: the business object they are for, their times, and how their ids are made."""

    reference: str
    occurred_at: datetime
    effective_at: datetime
    id_of: Callable[[str], EntryId]

    def entry(self, kind: str, *postings: Posting) -> Iterator[JournalEntry]:
        """Make an entry of the lines that are not zero; none where fewer than two are left."""
        lines = tuple(posting for posting in postings if posting.amount)
        if len(lines) >= LEAST_POSTINGS:
            yield JournalEntry(
                id=self.id_of(kind),
                kind=kind,
                reference=self.reference,
                occurred_at=self.occurred_at,
                effective_at=self.effective_at,
                postings=lines,
            )


def psp(provider: str) -> AccountPath:
    """Return the account of our money at a provider."""
    return AccountPath(f"assets:psp:{provider}")


def deposit_settled(
    booking: Booking, book: Book, *, user: UserId, provider: str, amount: Amount, movement: BalanceMovement
) -> Iterator[JournalEntry]:
    """Book what came in: what its owner owes is paid, the rest is real money; the fee is ours."""
    wallet = credit(book, user, Bucket.REAL, amount)
    yield from booking.entry("deposit", Posting(psp(provider), amount), *wallet)
    yield from _exchanged(booking, provider, gross=amount, settled=movement.settled)
    yield from provider_fee(booking, provider, movement.fee)


def provider_fee(booking: Booking, provider: str, fee: Amount) -> Iterator[JournalEntry]:
    """Book what the provider kept."""
    yield from booking.entry("provider_fee", Posting(_PSP_FEES, fee), Posting(psp(provider), -fee))


def refund_requested(booking: Booking, *, user: UserId, amount: Amount) -> Iterator[JournalEntry]:
    """Hold what shall go back to the payer."""
    real = Bucket.REAL
    yield from booking.entry(
        "refund_requested", Posting(available(user, real), amount), Posting(held(user, real), -amount)
    )


def refund_settled(
    booking: Booking, *, user: UserId, provider: str, amount: Amount, movement: BalanceMovement
) -> Iterator[JournalEntry]:
    """Take what is held out of what the provider holds; what it kept for that is ours to bear."""
    lines = (Posting(held(user, Bucket.REAL), amount), Posting(psp(provider), -amount))
    yield from booking.entry("refund_settled", *lines)
    yield from _exchanged(booking, provider, gross=-amount, settled=-movement.settled)
    yield from provider_fee(booking, provider, movement.fee)


def refund_failed(booking: Booking, book: Book, *, user: UserId, amount: Amount) -> Iterator[JournalEntry]:
    """Give the user what was held, less what has come to be owed meanwhile."""
    wallet = credit(book, user, Bucket.REAL, amount)
    yield from booking.entry("refund_failed", Posting(held(user, Bucket.REAL), amount), *wallet)


def chargeback(
    booking: Booking, book: Book, *, user: UserId, provider: str, amount: Amount, movement: BalanceMovement
) -> Iterator[JournalEntry]:
    """Book what the payer's bank took back, and the provider's fee: what is not in the wallet is owed."""
    taken = take_back(book, user, amount)
    fee = movement.fee
    out = tuple(Posting(psp(provider), total) for total in _totals(-amount, -fee))
    yield from booking.entry("chargeback", *taken, Posting(_DISPUTES, fee), *out)
    yield from _exchanged(booking, provider, gross=-amount, settled=-movement.settled)


def dispute_won(
    booking: Booking, book: Book, *, user: UserId, provider: str, amount: Amount, movement: BalanceMovement
) -> Iterator[JournalEntry]:
    """Book what came back: what is open is paid, the rest is the user's; the fee too, where it was given back."""
    wallet = credit(book, user, Bucket.REAL, amount)
    yield from booking.entry("dispute_won", Posting(psp(provider), amount), *wallet)
    yield from _exchanged(booking, provider, gross=amount, settled=movement.settled)
    fee = movement.fee
    yield from booking.entry("dispute_fee_returned", Posting(psp(provider), fee), Posting(_DISPUTES, -fee))


def payout_created(booking: Booking, *, provider: str, amount: Amount, fee: Amount) -> Iterator[JournalEntry]:
    """Book what the provider sends to the bank."""
    lines = (Posting(AccountPath(f"assets:transit:{provider}"), amount), Posting(psp(provider), -amount))
    yield from booking.entry("payout_created", *lines)
    yield from provider_fee(booking, provider, fee)


def payout_arrived(booking: Booking, *, provider: str, bank: str, amount: Amount) -> Iterator[JournalEntry]:
    """Book its arrival at the bank."""
    transit = AccountPath(f"assets:transit:{provider}")
    yield from booking.entry("payout_arrived", Posting(client_bank(bank), amount), Posting(transit, -amount))


def receipt_unidentified(booking: Booking, *, bank: str, amount: Amount) -> Iterator[JournalEntry]:
    """Book money at the bank of which nobody knows whose it is."""
    lines = (Posting(client_bank(bank), amount), Posting(suspense(bank), -amount))
    yield from booking.entry("receipt_unidentified", *lines)


def receipt_identified(
    booking: Booking, book: Book, *, user: UserId, bank: str, amount: Amount
) -> Iterator[JournalEntry]:
    """Give it to its owner: what is owed is paid, the rest is real money."""
    wallet = credit(book, user, Bucket.REAL, amount)
    yield from booking.entry("receipt_identified", Posting(suspense(bank), amount), *wallet)


def client_bank(bank: str) -> AccountPath:
    """Return the account of our customers' money at a bank."""
    return AccountPath(f"assets:bank:client:{bank}")


def suspense(bank: str) -> AccountPath:
    """Return the account of what came in at a bank and is nobody's yet."""
    return AccountPath(f"liabilities:suspense:{bank}")


def _exchanged(booking: Booking, provider: str, *, gross: Amount, settled: Amount) -> Iterator[JournalEntry]:
    """Return the entry by which a provider books in another currency than was paid in: our open currency position.

    Both are of one sign: above zero where money came in.
    """
    if gross.asset == settled.asset:
        return
    open_position = AccountPath(f"equity:fx:{gross.asset.code}-{settled.asset.code}".lower())
    yield from booking.entry(
        "provider_exchange",
        Posting(open_position, gross),
        Posting(psp(provider), -gross),
        Posting(psp(provider), settled),
        Posting(open_position, -settled),
    )


def _totals(*amounts: Amount) -> tuple[Amount, ...]:
    """Add up per asset, in the order in which assets come."""
    totals: Mapping[str, Amount] = {}
    for amount in amounts:
        before = totals.get(amount.asset.code, amount.asset.amount(0))
        totals = {**totals, amount.asset.code: before + amount}
    return tuple(totals.values())
