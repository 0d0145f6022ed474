"""The chart of accounts: what a path means. Class, normal side, realm, guard and owner all follow from the path alone.

An account exists from its first posting; nothing here knows which do. A tenant may add accounts below the roots and
below the open lines of this chart; every other family of the chart is closed, so that a mistyped path is refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import ClassVar

from domain.errors import Invalid
from domain.ids import AccountPath, ConnectionId, UserId


class Realm(StrEnum):
    """Three sets of books that never mix: our money, units that are no money, and what users own at venues."""

    COMPANY = "company"
    MEMO = "memo"
    PORTFOLIO = "portfolio"


class AccountClass(StrEnum):
    """What an account is on a statement: the root of its path."""

    ASSETS = "assets"
    LIABILITIES = "liabilities"
    EQUITY = "equity"
    REVENUE = "revenue"
    EXPENSES = "expenses"
    MEMO = "memo"
    PORTFOLIO = "portfolio"


class NormalSide(StrEnum):
    """The side on which an account grows; `signed` for accounts that may be on either."""

    DEBIT = "debit"
    CREDIT = "credit"
    SIGNED = "signed"


class Bucket(StrEnum):
    """What a user's money is for: withdrawable, earned and withdrawable, paid for and not withdrawable."""

    REAL = "real"
    COMMISSION = "commission"
    PREPAID = "prepaid"


@dataclass(kw_only=True, eq=False)
class UnknownAccount(Invalid):
    """The path is malformed, below no root of the chart, or inside one of its families without being one of them."""

    code: ClassVar[str] = "unknown_account"
    sentence: ClassVar[str] = "The account is not in the chart of accounts."
    account: str


@dataclass(frozen=True, slots=True)
class HouseBook:
    """The book of entries that touch no guarded account and no portfolio."""


@dataclass(frozen=True, slots=True)
class UserBook:
    """The book of entries that touch the guarded accounts of one user."""

    owner: UserId


@dataclass(frozen=True, slots=True)
class PortfolioBook:
    """The book of entries that touch the portfolio of one connection."""

    connection: ConnectionId


BookOf = HouseBook | UserBook | PortfolioBook
HOUSE = HouseBook()


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a path means.

    `sign` is +1 where a debit balance is the right side, −1 where a credit balance is and 0 where both are. `book` is
    the one book whose entries may touch the account; those of the house may occur in any. A guarded account's balance
    is kept in its owner's book, where it is never on its wrong side. Only its own flow posts to a reserved account.
    """

    path: AccountPath
    realm: Realm
    account_class: AccountClass
    normal_side: NormalSide
    sign: int
    book: BookOf
    guarded: bool
    reserved: bool

    @property
    def owner(self) -> UserId | None:
        """The user whose guarded account it is; None where it is not guarded."""
        return self.book.owner if isinstance(self.book, UserBook) else None


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the chart.

    In a pattern a word in angle brackets stands for one segment: `<user>` for the owner of a guarded account,
    `<connection>` for that of a portfolio, `<bucket>` for one of `Bucket`. Below an open line a tenant may add
    accounts, which are of the same side.
    """

    pattern: str
    normal_side: NormalSide
    open: bool = False
    reserved: bool = False


def _open(side: NormalSide, *patterns: str) -> tuple[Line, ...]:
    return tuple(Line(pattern, side, open=True) for pattern in patterns)


def _closed(side: NormalSide, *patterns: str) -> tuple[Line, ...]:
    return tuple(Line(pattern, side) for pattern in patterns)


def _reserved(side: NormalSide, *patterns: str) -> tuple[Line, ...]:
    return tuple(Line(pattern, side, reserved=True) for pattern in patterns)


_DEBIT, _CREDIT, _SIGNED = NormalSide.DEBIT, NormalSide.CREDIT, NormalSide.SIGNED

CHART: tuple[Line, ...] = (
    *_open(_DEBIT, "assets:psp:<provider>", "assets:transit:<route>", "assets:custody:<venue>"),
    *_open(_DEBIT, "assets:bank:client:<name>", "assets:bank:own:<name>"),
    *_closed(_DEBIT, "assets:receivable:users:<user>"),
    *_closed(_CREDIT, "assets:receivable:allowance"),
    *_closed(_CREDIT, "liabilities:users:<user>:<bucket>:available"),
    *_reserved(_CREDIT, "liabilities:users:<user>:<bucket>:held", "liabilities:withdrawals:payable:<name>"),
    *_open(_CREDIT, "liabilities:suspense:<bank>"),
    *_reserved(_CREDIT, "liabilities:deferred:subscriptions:<subscription>", "liabilities:deferred:credits:<name>"),
    *_reserved(_CREDIT, "liabilities:clearing:<purpose>"),
    *_open(_CREDIT, "liabilities:taxes:<kind>"),
    *_open(_CREDIT, "equity:opening", "equity:owner", "equity:result", "equity:retained"),
    *_closed(_SIGNED, "equity:fx:<pair>"),
    *_open(_CREDIT, "revenue:subscriptions", "revenue:credits", "revenue:breakage", "revenue:trading_commission"),
    *_open(_CREDIT, "revenue:withdrawal_fees", "revenue:marketplace", "revenue:fx_spread", "revenue:fx_result"),
    *_open(_DEBIT, "revenue:discounts", "revenue:refunds", "revenue:taxes"),
    *_open(_DEBIT, "expenses:affiliate_commission", "expenses:psp_fees", "expenses:bank_fees"),
    *_open(_DEBIT, "expenses:network_fees", "expenses:disputes", "expenses:credit_losses"),
    *_reserved(_CREDIT, "memo:users:<user>:bonus", "memo:users:<user>:credits"),
    *_reserved(_DEBIT, "memo:bonus:issued", "memo:credits:issued"),
    *_reserved(_DEBIT, *(f"portfolio:<connection>:{name}" for name in ("holdings", "fees", "interest"))),
    *_reserved(_SIGNED, "portfolio:<connection>:conversion:<instrument>:<strategy>"),
    *_reserved(_SIGNED, *(f"portfolio:<connection>:{name}" for name in ("unassigned", "funding", "external"))),
    *_reserved(_CREDIT, *(f"portfolio:<connection>:{name}" for name in ("pnl", "insurance"))),
)
"""The chart of ACCOUNTING. The root says the class; contra accounts, memo and portfolio state their own side."""

OWN_ACCOUNTS: dict[AccountClass, NormalSide] = {
    AccountClass.ASSETS: _DEBIT,
    AccountClass.LIABILITIES: _CREDIT,
    AccountClass.EQUITY: _CREDIT,
    AccountClass.REVENUE: _CREDIT,
    AccountClass.EXPENSES: _DEBIT,
}
"""The roots below which a tenant may begin families of its own, and their normal side."""

_SIGNS = {_DEBIT: 1, _CREDIT: -1, _SIGNED: 0}
_REALMS = {AccountClass.MEMO: Realm.MEMO, AccountClass.PORTFOLIO: Realm.PORTFOLIO}
_SEGMENT = r"[a-z0-9][a-z0-9_-]{0,63}"
_PATH = re.compile(rf"{_SEGMENT}(?::{_SEGMENT}){{1,7}}")
_FAMILIES = {tuple(line.pattern.split(":")[:2]) for line in CHART}


def _compiled(line: Line) -> re.Pattern[str]:
    named = {f"<{name}>": f"(?P<{name}>{_SEGMENT})" for name in ("user", "connection")}
    forms = {**named, "<bucket>": f"(?:{'|'.join(Bucket)})"}
    parts = [forms.get(part, _SEGMENT if part.startswith("<") else part) for part in line.pattern.split(":")]
    return re.compile(":".join(parts) + (rf"(?::{_SEGMENT})*" if line.open else ""))


_COMPILED = tuple((line, _compiled(line)) for line in CHART)


@lru_cache(maxsize=65_536)
def describe(path: str) -> Account:
    """Return what a path means. Raises `UnknownAccount`."""
    if _PATH.fullmatch(path) is not None:
        for line, pattern in _COMPILED:
            match = pattern.fullmatch(path)
            if match is not None:
                return _account(path, line, match.groupdict())
        own = _own_line(path)
        if own is not None:
            return _account(path, own, {})
    raise UnknownAccount(account=path[:256])


def _own_line(path: str) -> Line | None:
    """Return the line of a tenant's own account; None inside a family of the chart or below no root for such."""
    root, family, *_ = path.split(":")
    if (root, family) in _FAMILIES or root not in OWN_ACCOUNTS:
        return None
    return Line(path, OWN_ACCOUNTS[AccountClass(root)])


def _account(path: str, line: Line, named: Mapping[str, str]) -> Account:
    account_class = AccountClass(path.partition(":")[0])
    book = _book(named)
    return Account(
        path=AccountPath(path),
        realm=_REALMS.get(account_class, Realm.COMPANY),
        account_class=account_class,
        normal_side=line.normal_side,
        sign=_SIGNS[line.normal_side],
        book=book,
        guarded=isinstance(book, UserBook),
        reserved=line.reserved,
    )


def _book(named: Mapping[str, str]) -> BookOf:
    match named:
        case {"user": user}:
            return UserBook(UserId(user))
        case {"connection": connection}:
            return PortfolioBook(ConnectionId(connection))
        case _:
            return HOUSE


def available(user: UserId, bucket: Bucket) -> AccountPath:
    """Return the account of what a user can spend from a bucket."""
    return AccountPath(f"liabilities:users:{user}:{bucket}:available")


def held(user: UserId, bucket: Bucket) -> AccountPath:
    """Return the account of what is on hold from a bucket."""
    return AccountPath(f"liabilities:users:{user}:{bucket}:held")


def receivable(user: UserId) -> AccountPath:
    """Return the account of what a user owes."""
    return AccountPath(f"assets:receivable:users:{user}")
