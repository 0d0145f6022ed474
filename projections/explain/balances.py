"""Explains a balance by the account's statement, and a total of the trial balance by the accounts that make it.

Balances are on the account's normal side, as statements are: what a user has is positive.
"""

from itertools import groupby

from application.store import Connection
from domain.ledger.accounts import describe
from projections import journal
from projections.explain.explanation import BookedAs, Changed, Explanation, Figure, NothingToExplain, Step, figures_of
from projections.explain.origins import origins_of
from projections.statements import StatementLine, get_statement
from projections.times import NOW, Moment
from projections.trial_balance import get_trial_balance


async def explain_balance(
    connection: Connection, account: str, asset: str, *, moment: Moment = NOW, limit: int, cursor: str | None = None
) -> Explanation:
    """Explain what an account holds of an asset at a moment, by its postings, oldest first.

    Raises `UnknownAccount`, `AccountUnused`, `MalformedCursor` or `NothingToExplain`.
    """
    held = await journal.get_balances_at(connection, account, moment)
    amounts = [amount for amount in held.value.amounts if amount.asset.code == asset]
    if not amounts:
        raise NothingToExplain
    page = await get_statement(connection, account, asset=asset, moment=moment, limit=limit, cursor=cursor)
    described = describe(account)
    origins = await origins_of(connection, {line.log_position for line in page.items})
    return Explanation(
        subject={"kind": "balance", "account": account, "asset": asset, "normal_side": described.normal_side.value},
        figures=figures_of({"amount": amounts[0].asset.amount((described.sign or 1) * amounts[0].units)}),
        brought_forward=figures_of({"amount": page.opening[0]}) if page.opening else (),
        steps=tuple(
            Step(origin=origins[position], changes=tuple(map(_changed, lines)), entry=_entry(lines[0]))
            for position, lines in _by_event(page.items)
        ),
        next_cursor=page.next_cursor,
        log_position=page.log_position,
    )


async def explain_total(connection: Connection, realm: str, asset: str, *, moment: Moment = NOW) -> Explanation:
    """Explain a total of the trial balance by the accounts that add up to it. Raises `NothingToExplain`."""
    trial = await get_trial_balance(connection, moment)
    rows = [row for row in trial.rows if (row.realm.value, row.debit.asset.code) == (realm, asset)]
    totals = [one for one in trial.totals if (one.realm.value, one.debit.asset.code) == (realm, asset)]
    if not totals:
        raise NothingToExplain
    (total,) = totals
    return Explanation(
        subject={"kind": "total", "realm": realm, "asset": asset},
        figures=figures_of({"debit": total.debit, "credit": total.credit, "difference": total.difference}),
        brought_forward=(),
        steps=(),
        accounts=tuple(Figure(figure=row.account, amount=row.debit - row.credit) for row in rows),
        next_cursor=None,
        log_position=trial.log_position,
    )


def _by_event(lines: tuple[StatementLine, ...]) -> list[tuple[int, list[StatementLine]]]:
    return [(position, list(group)) for position, group in groupby(lines, key=lambda line: line.log_position)]


def _changed(line: StatementLine) -> Changed:
    return Changed(figure="amount", how="added", amount=line.amount, after=line.balance)


def _entry(line: StatementLine) -> BookedAs:
    return BookedAs(
        id=line.entry,
        kind=line.kind,
        reference=line.reference,
        note=line.note,
        effective_at=line.effective_at,
    )
