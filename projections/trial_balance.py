"""The trial balance: every account with a balance, on the side it stands, and totals that must not differ.

Now it is read from the balances; at another moment it is summed from the journal's postings.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from application.store import Connection
from domain.ledger.accounts import AccountClass, NormalSide, Realm, describe
from domain.money import Amount, Asset
from projections import accounts, journal
from projections.journal import KNOWN
from projections.reading import amount, fetch, log_position
from projections.times import NOW, Moment, resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalanceRow:
    """One account and asset; one of debit and credit is zero."""

    account: str
    account_class: AccountClass
    normal_side: NormalSide
    realm: Realm
    debit: Amount
    credit: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalanceTotal:
    """The sums of one asset in one realm; `difference` is debit minus credit, and anything but zero is a finding."""

    realm: Realm
    debit: Amount
    credit: Amount

    @property
    def difference(self) -> Amount:
        """Debit minus credit."""
        return self.debit - self.credit


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalance:
    """Rows by account and asset, totals by realm and asset."""

    rows: tuple[TrialBalanceRow, ...]
    totals: tuple[TrialBalanceTotal, ...]
    log_position: int


_NOW = "SELECT account, units, scale, asset FROM read.balances WHERE units <> 0 ORDER BY account, asset"
_THEN = f"""
    SELECT account, sum(units) AS units, max(scale) AS scale, asset FROM read.postings WHERE {KNOWN}
    GROUP BY account, asset HAVING sum(units) <> 0 ORDER BY account, asset
"""


async def get_trial_balance(connection: Connection, moment: Moment = NOW) -> TrialBalance:
    """Return the trial balance at a moment. Accounts that stand at zero are left out."""
    if moment.is_now:
        position = await log_position(connection, accounts.NAME)
        rows = await fetch(connection, _row, _NOW)
    else:
        position = await log_position(connection, journal.NAME)
        cut = await resolve(connection, moment)
        rows = await fetch(connection, _row, _THEN, cut.parameters)
    return TrialBalance(rows=tuple(rows), totals=_totals(rows), log_position=position)


def _row(*, account: str, units: int, scale: int, asset: str) -> TrialBalanceRow:
    described = describe(account)
    balance = amount(units=units, scale=scale, asset=asset)
    nothing = balance.asset.amount(0)
    return TrialBalanceRow(
        account=account,
        account_class=described.account_class,
        normal_side=described.normal_side,
        realm=described.realm,
        debit=balance if units > 0 else nothing,
        credit=-balance if units < 0 else nothing,
    )


def _totals(rows: Iterable[TrialBalanceRow]) -> tuple[TrialBalanceTotal, ...]:
    sums: dict[tuple[Realm, Asset], tuple[int, int]] = {}
    for row in rows:
        key = row.realm, row.debit.asset
        debit, credit = sums.get(key, (0, 0))
        sums[key] = debit + row.debit.units, credit + row.credit.units
    ordered = sorted(sums.items(), key=lambda item: (list(Realm).index(item[0][0]), item[0][1].code))
    return tuple(
        TrialBalanceTotal(realm=realm, debit=asset.amount(debit), credit=asset.amount(credit))
        for (realm, asset), (debit, credit) in ordered
    )
