"""Set-off: whoever owes pays first. What comes into a wallet pays what is owed; what is taken beyond it is owed.

Both hold per asset, and keep ACCOUNTING's invariant 17: nobody who owes has real or commission money available. These
are postings for an entry of a flow; which entry, and whether it may be posted, is not decided here.
"""

from collections.abc import Iterator

from domain.ids import AccountPath, UserId
from domain.ledger.accounts import Bucket, available, receivable
from domain.ledger.book import EMPTY_WHILE_OWING, Book
from domain.ledger.entry import Posting
from domain.money import Amount


def credit(  # noqa: PLR0917 - an account by its parts, in the order of its path, and the amount
    book: Book, user: UserId, bucket: Bucket, amount: Amount
) -> tuple[Posting, ...]:
    """Return what gives a user an amount, above zero: what is owed in that asset is paid first, the rest is available.

    Prepaid money pays for services and no debt. Zero lines are left out (ACCOUNTING, Set-off).
    """
    assert amount.units > 0, "a credit is above zero"
    owed = book.balance(receivable(user), amount.asset) if bucket in EMPTY_WHILE_OWING else amount.asset.amount(0)
    paid = min(owed, amount)
    return _postings((receivable(user), -paid), (available(user, bucket), paid - amount))


def take_back(book: Book, user: UserId, amount: Amount) -> tuple[Posting, ...]:
    """Return what takes an amount, above zero, from a user: from real, then from commission; the rest is then owed.

    What is on hold is not touched: whoever wants it ends the holds first (ACCOUNTING, chargeback).
    """
    assert amount.units > 0, "what is taken is above zero"
    return _postings(*_taken(book, user, amount))


def _taken(book: Book, user: UserId, amount: Amount) -> Iterator[tuple[AccountPath, Amount]]:
    left = amount
    for account in (available(user, bucket) for bucket in EMPTY_WHILE_OWING):
        part = min(-book.balance(account, amount.asset), left)
        yield account, part
        left -= part
    yield receivable(user), left


def _postings(*lines: tuple[AccountPath, Amount]) -> tuple[Posting, ...]:
    return tuple(Posting(account, amount) for account, amount in lines if amount)
