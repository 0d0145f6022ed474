"""The chart of accounts: what a path means. Class, normal side, realm, guard and owner all follow from the path alone.

An account exists from its first posting; nothing here knows which do. A tenant may add accounts below the roots of
this chart.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import ClassVar

from domain.errors import Invalid
from domain.ids import AccountPath, UserId


class Realm(StrEnum):
    """Three sets of books that never mix: our money, units that are no money, and what users own at venues."""

    COMPANY = "company"
    MEMO = "memo"
    PORTFOLIO = "portfolio"


class AccountClass(StrEnum):
    """What an account is on a statement."""

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


class Manual(StrEnum):
    """Whether a manual entry may touch an account."""

    ALLOWED = "allowed"
    RESERVED = "reserved"


@dataclass(kw_only=True, eq=False)
class UnknownAccount(Invalid):
    """The path is malformed or below no root of the chart."""

    code: ClassVar[str] = "unknown_account"
    sentence: ClassVar[str] = "The account is not in the chart of accounts."
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a path means. `owner` is set for guarded accounts: the user whose book keeps the balance."""

    path: AccountPath
    realm: Realm
    account_class: AccountClass
    normal_side: NormalSide
    guarded: bool
    owner: UserId | None
    manual: Manual

    @property
    def sign(self) -> int:
        """+1 where a debit balance is the right side, −1 where a credit balance is; 0 where both are."""
        return {NormalSide.DEBIT: 1, NormalSide.CREDIT: -1, NormalSide.SIGNED: 0}[self.normal_side]


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the chart.

    In a pattern `*` stands for one segment, `**` at the end for one or more, `<user>` for the guarded owner and
    `<bucket>` for one of `BUCKETS`.
    """

    pattern: str
    normal_side: NormalSide
    manual: Manual = Manual.ALLOWED


_DEBIT, _CREDIT, _SIGNED = NormalSide.DEBIT, NormalSide.CREDIT, NormalSide.SIGNED
_RESERVED = Manual.RESERVED

CHART = (
    _Line("assets:psp:**", _DEBIT),
    _Line("assets:transit:**", _DEBIT),
    _Line("assets:bank:client:**", _DEBIT),
    _Line("assets:bank:own:**", _DEBIT),
    _Line("assets:custody:**", _DEBIT),
    _Line("assets:receivable:users:<user>", _DEBIT),
    _Line("assets:receivable:allowance", _CREDIT),
    _Line("liabilities:users:<user>:<bucket>:available", _CREDIT),
    _Line("liabilities:users:<user>:<bucket>:held", _CREDIT, _RESERVED),
    _Line("liabilities:withdrawals:payable:*", _CREDIT, _RESERVED),
    _Line("liabilities:suspense:**", _CREDIT),
    _Line("liabilities:deferred:subscriptions:*", _CREDIT, _RESERVED),
    _Line("liabilities:deferred:credits:*", _CREDIT, _RESERVED),
    _Line("liabilities:clearing:**", _CREDIT, _RESERVED),
    _Line("liabilities:taxes:**", _CREDIT),
    _Line("equity:opening:**", _CREDIT),
    _Line("equity:opening", _CREDIT),
    _Line("equity:owner:**", _CREDIT),
    _Line("equity:owner", _CREDIT),
    _Line("equity:result", _CREDIT),
    _Line("equity:retained", _CREDIT),
    _Line("equity:fx:*", _SIGNED),
    _Line("revenue:discounts", _DEBIT),
    _Line("revenue:refunds", _DEBIT),
    _Line("revenue:taxes", _DEBIT),
    _Line("revenue:**", _CREDIT),
    _Line("expenses:**", _DEBIT),
    _Line("memo:users:<user>:bonus", _CREDIT, _RESERVED),
    _Line("memo:users:<user>:credits", _CREDIT, _RESERVED),
    _Line("memo:bonus:issued", _DEBIT, _RESERVED),
    _Line("memo:credits:issued", _DEBIT, _RESERVED),
    _Line("portfolio:*:holdings", _DEBIT, _RESERVED),
    _Line("portfolio:*:fees", _DEBIT, _RESERVED),
    _Line("portfolio:*:interest", _DEBIT, _RESERVED),
    _Line("portfolio:*:conversion:*:*", _SIGNED, _RESERVED),
    _Line("portfolio:*:unassigned", _SIGNED, _RESERVED),
    _Line("portfolio:*:funding", _SIGNED, _RESERVED),
    _Line("portfolio:*:external", _SIGNED, _RESERVED),
    _Line("portfolio:*:pnl", _CREDIT, _RESERVED),
    _Line("portfolio:*:insurance", _CREDIT, _RESERVED),
)
"""ACCOUNTING's chart, most specific first. Memo and portfolio accounts belong to their flows."""

BUCKETS = ("real", "commission", "prepaid")
"""What a user's money is for: withdrawable, earned and withdrawable, paid for and not withdrawable."""

_BUCKET = f"(?:{'|'.join(BUCKETS)})"
_SEGMENT = r"[a-z0-9][a-z0-9_-]{0,63}"
_PATH = re.compile(rf"{_SEGMENT}(?::{_SEGMENT}){{1,7}}", re.ASCII)


def _compiled(line: _Line) -> re.Pattern[str]:
    forms = {
        "*": _SEGMENT,
        "**": rf"{_SEGMENT}(?::{_SEGMENT})*",
        "<user>": rf"(?P<user>{_SEGMENT})",
        "<bucket>": _BUCKET,
    }
    return re.compile(":".join(forms.get(segment, segment) for segment in line.pattern.split(":")), re.ASCII)


_COMPILED = tuple((line, _compiled(line)) for line in CHART)


@lru_cache(maxsize=65_536)
def describe(path: str) -> Account:
    """Return what a path means. Raises `UnknownAccount`."""
    if _PATH.fullmatch(path) is not None:
        for line, pattern in _COMPILED:
            match = pattern.fullmatch(path)
            if match is not None:
                return _account(path, line, match.groupdict().get("user"))
    raise UnknownAccount(account=path[:256])


def _account(path: str, line: _Line, user: str | None) -> Account:
    root = AccountClass(path.partition(":")[0])
    realm = Realm(root.value) if root in (AccountClass.MEMO, AccountClass.PORTFOLIO) else Realm.COMPANY
    return Account(
        path=AccountPath(path),
        realm=realm,
        account_class=root,
        normal_side=line.normal_side,
        guarded=user is not None,
        owner=None if user is None else UserId(user),
        manual=line.manual,
    )
