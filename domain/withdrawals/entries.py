"""The entries of a withdrawal, as ACCOUNTING's rows have them. A step that comes to nothing reverses those before it.

Each is a function of the withdrawal alone, so the original of a reversal is made again and never looked up.
"""

from collections.abc import Iterator
from datetime import datetime

from domain.destinations import Kind
from domain.ids import AccountPath, EntryId, UserId
from domain.ledger.accounts import Bucket, UnknownAccount, available, describe, held, receivable
from domain.ledger.book import Book
from domain.ledger.entry import JournalEntry, Posting
from domain.ledger.flows import WITHDRAWAL_APPROVED, WITHDRAWAL_REQUESTED
from domain.money import Amount
from domain.withdrawals.withdrawal import Withdrawal

_WITHHOLDING = AccountPath("liabilities:taxes:withholding")
_FEES = AccountPath("revenue:withdrawal_fees")
_NETWORK_FEES = AccountPath("expenses:network_fees")
_BANK_FEES = AccountPath("expenses:bank_fees")


def source(rail: Kind, name: str) -> AccountPath:
    """Return the account that pays: coins leave custody at a venue, all else the clients' account at a bank.

    Raises `UnknownAccount` where there can be no such account.
    """
    return _named("assets:custody" if rail is Kind.CRYPTO else "assets:bank:client", name)


def posted(withdrawal: Withdrawal, at: datetime) -> Iterator[JournalEntry]:
    """Make again what was posted so far, newest first. Only ids and lines are those of the originals, not the times."""
    if withdrawal.payment is not None:
        yield paid(withdrawal, at)
    if withdrawal.approved_by is not None:
        yield approved(withdrawal, at)
    yield requested(withdrawal, at)


def requested(withdrawal: Withdrawal, at: datetime) -> JournalEntry:
    """Return the entry that holds the amount."""
    amount = withdrawal.amount
    hold = Posting(available(withdrawal.user, withdrawal.bucket), amount)
    lines = (hold, Posting(held(withdrawal.user, withdrawal.bucket), -amount))
    return _entry(withdrawal, WITHDRAWAL_REQUESTED, lines, id=withdrawal.requested_by, at=at)


def approved(withdrawal: Withdrawal, at: datetime) -> JournalEntry:
    """Return the entry by which we owe what is left after tax to be paid, and the tax to the authority."""
    assert withdrawal.approved_by is not None, "an entry is posted by the event that names it"
    lines = (
        Posting(held(withdrawal.user, withdrawal.bucket), withdrawal.amount),
        Posting(payable(withdrawal.user), withdrawal.withheld - withdrawal.amount),
        Posting(_WITHHOLDING, -withdrawal.withheld),
    )
    return _entry(withdrawal, WITHDRAWAL_APPROVED, lines, id=withdrawal.approved_by, at=at)


def paid(withdrawal: Withdrawal, at: datetime) -> JournalEntry:
    """Return the entry that pays it, keeps our fee and bears the network's."""
    payment = withdrawal.payment
    assert payment is not None, "an entry is posted by the event that names it"
    network_fee = payment.network_fee or withdrawal.amount.asset.amount(0)
    lines = (
        Posting(payable(withdrawal.user), withdrawal.amount - withdrawal.withheld),
        Posting(_NETWORK_FEES, network_fee),
        Posting(payment.source, -(withdrawal.net + network_fee)),
        Posting(_FEES, -withdrawal.fee),
    )
    return _entry(withdrawal, "withdrawal_paid", lines, id=payment.entry, at=at)


def bank_charge(withdrawal: Withdrawal, charge: Amount, *, bank: str, id: EntryId, at: datetime) -> JournalEntry:
    """Return the entry for what the bank took for a withdrawal that came back: it is ours, not the user's."""
    lines = (Posting(_BANK_FEES, charge), Posting(_named("assets:bank:own", bank), -charge))
    return _entry(withdrawal, "bank_charge", lines, id=id, at=at)


def collected(withdrawal: Withdrawal, book: Book, *, id: EntryId, at: datetime) -> JournalEntry | None:
    """Return the entry that pays an open receivable out of what has come back to the wallet; None where none is open.

    A reversal negates its original and nothing else, so the set-off is an entry of its own in the same append
    (ACCOUNTING, set-off and invariant 13).
    """
    amount = withdrawal.amount
    collects = min(book.balance(receivable(withdrawal.user), amount.asset), amount)
    if collects.units <= 0:
        return None
    return _entry(
        withdrawal, "receivable_collected", _collecting(withdrawal.user, withdrawal.bucket, collects), id=id, at=at
    )


def payable(user: UserId) -> AccountPath:
    """Return the account of what was approved for a user and is not paid yet."""
    return AccountPath(f"liabilities:withdrawals:payable:{user}")


def _named(family: str, name: str) -> AccountPath:
    try:
        return describe(f"{family}:{name}").path
    except UnknownAccount as error:
        error.at = ("bank",)
        raise


def _collecting(user: UserId, bucket: Bucket, amount: Amount) -> tuple[Posting, ...]:
    return (Posting(available(user, bucket), amount), Posting(receivable(user), -amount))


def _entry(
    withdrawal: Withdrawal, kind: str, postings: tuple[Posting, ...], *, id: EntryId, at: datetime
) -> JournalEntry:
    return JournalEntry(
        id=id,
        kind=kind,
        reference=withdrawal.withdrawal,
        occurred_at=at,
        effective_at=at,
        postings=tuple(posting for posting in postings if posting.amount),
    )
