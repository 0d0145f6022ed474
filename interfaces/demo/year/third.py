"""The third reckoning: beancount, another engine, reads the books as `audit export --format beancount` writes them."""

import decimal
from contextlib import closing
from fractions import Fraction
from importlib import import_module
from typing import Any

from interfaces.audit.beancount import FILE, export_books
from interfaces.audit.beancount_names import account_here, commodity_here
from interfaces.audit.export import cut_of
from interfaces.audit.notary import load_notary
from interfaces.audit.snapshot import open_snapshot
from interfaces.finance.errors import FinanceError
from interfaces.postgres.configuration import Urls
from interfaces.settings import Settings

_DIGITS = 80
"""Beancount adds up with 28 digits unless it is told otherwise."""


class BooksRefused(FinanceError):
    """Beancount found the books wrong; the message is the first thing it says."""


def reckon(settings: Settings, urls: Urls, tenant: str) -> dict[str, dict[str, Fraction]]:
    """Return the balances that beancount comes to, by account and asset, without those of nothing.

    Raises `BooksRefused`.
    """
    directory = settings.data / "beancount"
    notary = load_notary(settings.evidence_key, create=True)
    with closing(open_snapshot(urls.projector)) as snapshot:
        export_books(snapshot, directory, cut_of(snapshot, 1, None, tenant=tenant), notary=notary)
    loader, realization = import_module("beancount.loader"), import_module("beancount.core.realization")
    with decimal.localcontext() as context:
        context.prec = _DIGITS
        entries, errors, _ = loader.load_file(str(directory / FILE))
        if errors:
            raise BooksRefused(str(errors[0]))
        return _balances(realization, entries)


def _balances(realization: Any, entries: Any) -> dict[str, dict[str, Fraction]]:  # noqa: ANN401 - it has no types
    found: dict[str, dict[str, Fraction]] = {}
    for account in realization.iter_children(realization.realize(entries), leaf_only=False):
        if account.txn_postings:
            for position in realization.compute_balance(account, leaf_only=True):
                asset, amount = commodity_here(position.units.currency), Fraction(position.units.number)
                if amount:
                    found.setdefault(account_here(account.account), {})[asset] = amount
    return found
