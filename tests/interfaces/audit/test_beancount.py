"""Another engine reads our books: beancount accepts them, and its balances are ours, per account and asset."""

import decimal
import json
import re
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from beancount import loader
from beancount.core.data import Transaction
from hypothesis import given
from hypothesis import strategies as st

from interfaces.audit.beancount import EARLIEST, FILE, export_books
from interfaces.audit.beancount_names import account_here, account_there, commodity_here, commodity_there
from interfaces.audit.export import CannotExport, cut_of
from interfaces.audit.imports import BadExport, check_export
from interfaces.audit.snapshot import open_snapshot
from projections import accounts
from tests.interfaces.audit.forgery import Books
from tests.interfaces.audit.mix import a_mix
from tests.interfaces.audit.sealing import NOTARY
from tests.projections.house import BANK, House, projections_of

REALIZATION: Any = import_module("beancount.core.realization")
"""It has no types."""
DIGITS = 80
"""Beancount adds up with 28 digits unless it is told otherwise; an amount of ours has up to 38."""
COMPONENT = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,8}", fullmatch=True)
CODE = st.from_regex(r"[A-Z0-9]{1,20}", fullmatch=True) | st.sampled_from(["TRUE", "FALSE", "NULL", "1INCH", "X"])
ROOT = st.sampled_from(["assets", "liabilities", "equity", "revenue", "expenses", "memo", "portfolio"])
THEIRS = re.compile(r"(Assets|Liabilities|Equity|Revenue|Expenses)(:[A-ZÜ0-9][A-Za-zÜ0-9-]*)+")

Balances = dict[tuple[str, str], Decimal]


@pytest.fixture
def exactly() -> Iterator[None]:
    with decimal.localcontext() as context:
        context.prec = DIGITS
        yield


def exported(house: House, directory: Path, *, tenant: str | None = "acme") -> dict[str, Any]:
    with closing(open_snapshot(house.urls.projector)) as snapshot:
        return export_books(snapshot, directory, cut_of(snapshot, 1, None, tenant=tenant), notary=NOTARY)


def theirs(directory: Path) -> tuple[int, Balances]:
    """Load the books with beancount; return its transactions and balances, under our names. It must find no error."""
    entries, errors, _ = loader.load_file(str(directory / FILE))
    assert errors == []
    balances: Balances = {}
    for account in REALIZATION.iter_children(REALIZATION.realize(entries), leaf_only=False):
        for position in REALIZATION.compute_balance(account, leaf_only=True) if account.txn_postings else ():
            key = account_here(account.account), commodity_here(position.units.currency)
            balances[key] = position.units.number
    return sum(isinstance(entry, Transaction) for entry in entries), balances


async def ours(house: House) -> Balances:
    """Return the balances that our read model shows, without those of nothing."""
    await house.caught_up(accounts.NAME)
    rows = await house.execute(
        "SELECT account, asset, units, scale FROM read.balances WHERE tenant = 'acme' AND units <> 0"
    )
    return {(account, asset): Decimal(int(units)).scaleb(-scale) for account, asset, units, scale in rows}


@pytest.mark.anyio
@pytest.mark.usefixtures("exactly")
async def test_beancount_accepts_our_books_and_comes_to_our_balances(books: Books, tmp_path: Path) -> None:
    house = books.house
    await house.post((BANK, 1), ("equity:owner", -1), note='a "quoted" \\ note')
    manifest = exported(house, tmp_path / "books")
    async with projections_of(house.urls):
        own = await ours(house)
    transactions, balances = theirs(tmp_path / "books")
    assert balances == own
    assert transactions == manifest["transactions"] >= 30
    said = {(one["account"], one["asset"]): Decimal(one["amount"]) for one in manifest["balances"]}
    assert {key: amount for key, amount in said.items() if amount} == own


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.anyio
@pytest.mark.usefixtures("exactly")
async def test_twenty_thousand_transactions_of_the_demos_mix_come_to_our_balances(house: House, tmp_path: Path) -> None:
    await a_mix(house, transactions=20_000)
    exported(house, tmp_path / "books")
    async with projections_of(house.urls):
        own = await ours(house)
    transactions, balances = theirs(tmp_path / "books")
    assert transactions >= 20_000
    assert balances == own


@pytest.mark.anyio
async def test_the_manifest_names_everything_both_ways_and_is_signed(books: Books, tmp_path: Path) -> None:
    directory = tmp_path / "books"
    manifest = exported(books.house, directory)
    assert "tenant acme" in check_export(directory, NOTARY.key)
    assert json.loads((directory / "manifest.json").read_text()) == manifest
    for ours_, there in manifest["accounts"].items():
        assert account_here(there) == ours_
    (directory / FILE).write_text((directory / FILE).read_text().replace("50.00", "51.00", 1))
    with pytest.raises(BadExport):
        check_export(directory, NOTARY.key)


@pytest.mark.anyio
async def test_books_are_one_tenants_and_go_into_an_empty_directory(books: Books, tmp_path: Path) -> None:
    with pytest.raises(CannotExport):
        exported(books.house, tmp_path / "whose", tenant=None)
    exported(books.house, tmp_path / "books")
    with pytest.raises(CannotExport):
        exported(books.house, tmp_path / "books")


@given(root=ROOT, rest=st.lists(COMPONENT, min_size=1, max_size=7))
def test_every_account_has_a_name_there_and_comes_back(root: str, rest: list[str]) -> None:
    path = ":".join((root, *rest))
    assert THEIRS.fullmatch(account_there(path))
    assert account_here(account_there(path)) == path


@given(code=CODE)
def test_every_asset_has_a_commodity_there_and_comes_back(code: str) -> None:
    assert re.fullmatch(r"[A-Z]([A-Z0-9'._-]{0,22}[A-Z0-9])?", commodity_there(code))
    assert commodity_there(code) not in {"TRUE", "FALSE", "NULL"}
    assert commodity_here(commodity_there(code)) == code


def test_names_that_look_alike_stay_apart() -> None:
    paths = ["equity:memo:a", "memo:a", "assets:portfolio:a", "portfolio:a", "assets:a_b", "assets:a-b", "assets:ab"]
    assert EARLIEST < "2000"
    assert len({account_there(path) for path in paths}) == len(paths), [account_there(path) for path in paths]
