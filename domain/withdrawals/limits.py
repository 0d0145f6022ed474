"""Limits of withdrawals, decided on the user's own book: of requests that race for one limit, only as many pass.

What counts is what was asked for on the UTC day of the command's time, whatever became of it since.
"""

from datetime import datetime

from domain.ids import UserId
from domain.ledger.accounts import Bucket, available, receivable
from domain.ledger.book import Book, ReceivableOpen
from domain.ledger.flows import WITHDRAWAL_REQUESTED
from domain.money import Amount
from domain.withdrawals.errors import AboveLimit, BelowMinimum, TooManyRequests
from domain.withdrawals.terms import WITHDRAWABLE, Terms


def check_limits(book: Book, user: UserId, *, bucket: Bucket, amount: Amount, terms: Terms, now: datetime) -> None:
    """Refuse what a debt or a limit forbids.

    Raises `ReceivableOpen`, `BelowMinimum`, `AboveLimit` or `TooManyRequests`, the first that applies.
    """
    asset, day = amount.asset, now.date()
    check_nothing_owed(book, user, bucket=bucket, amount=amount)
    if amount < terms.minimum:
        raise BelowMinimum(minimum=terms.minimum, requested=amount)
    nothing = asset.amount(0)
    if amount > terms.per_request:
        raise AboveLimit(limit="per_request", most=terms.per_request, used=nothing, requested=amount)
    accounts = (available(user, one) for one in WITHDRAWABLE)
    used = sum(
        (book.debited(WITHDRAWAL_REQUESTED, account, asset=asset, day=day) for account in accounts), start=nothing
    )
    if used + amount > terms.per_day:
        raise AboveLimit(limit="per_day", most=terms.per_day, used=used, requested=amount)
    if book.posted(WITHDRAWAL_REQUESTED, day=day) >= terms.requests_per_day:
        raise TooManyRequests(most=terms.requests_per_day)


def check_nothing_owed(book: Book, user: UserId, *, bucket: Bucket, amount: Amount) -> None:
    """Raise `ReceivableOpen` where the user owes in this asset (ACCOUNTING, invariant 17)."""
    owed = book.balance(receivable(user), amount.asset)
    if owed.units > 0:
        account = available(user, bucket)
        raise ReceivableOpen(account=account, available=-book.balance(account, amount.asset), owed=owed)
