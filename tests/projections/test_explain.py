"""Every figure of everything a house has is explained: its events come to it, each with its receipt and its cause."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from domain.money import Amount
from domain.orders.terms import Side
from projections import (
    accounts,
    connections,
    deposits,
    disputes,
    fills,
    journal,
    orders,
    payouts,
    positions,
    quotes,
    receipts,
    refunds,
    transfers,
    withdrawals,
)
from projections.accounts import AccountUnused
from projections.explain.balances import explain_balance, explain_total
from projections.explain.explanation import Explanation, NothingToExplain, adds_up
from projections.explain.lineage import explain_thing
from projections.explain.origins import Origin
from projections.explain.things import THINGS, Names
from projections.paging import MalformedCursor
from projections.times import Moment
from projections.trial_balance import get_trial_balance
from tests.interfaces.audit.forgery import Books, some_books, tamper
from tests.projections.house import BANK, USD, House, coins, name, projections_of, wallet

pytestmark = pytest.mark.anyio

MUCH = 500
MANY: Mapping[str, Callable[..., Any]] = {
    "order": orders.list_orders,
    "fill": fills.list_fills,
    "position": positions.list_positions,
    "withdrawal": withdrawals.list_withdrawals,
    "payout_file": withdrawals.list_payout_files,
    "deposit": deposits.list_deposits,
    "refund": refunds.list_refunds,
    "dispute": disputes.list_disputes,
    "payout": payouts.list_payouts,
    "receipt": receipts.list_receipts,
    "transfer": transfers.list_transfers,
    "quote": quotes.list_quotes,
    "connection": connections.list_connections,
    "entry": journal.list_entries,
}


def names_of(kind: str, item: Any) -> Names:  # noqa: ANN401 - an item of any read model
    if kind == "position":
        return {"connection": item.connection, "instrument": item.instrument}
    return {"log_position": str(item.log_position)} if kind == "fill" else {"id": item.id}


def shown_of(kind: str, item: Any) -> dict[str, Amount]:  # noqa: ANN401 - an item of any read model
    """Return every amount of an item, as its explanation names it."""
    if kind == "entry":
        return {f"postings.{number}": line.amount for number, line in enumerate(item.postings, start=1)}
    found = {field.name: getattr(item, field.name) for field in fields(item)}
    shown = {field: value for field, value in found.items() if isinstance(value, Amount)}
    shown |= {f"fees.{fee.asset.code}": fee for fee in found.get("fees", ())}
    return shown | {f"charges.{kind.value}.{paid.asset.code}": paid for kind, paid in found.get("charges", ())}


async def explained(
    house: House, kind: str, names: Names, *, limit: int = MUCH, cursor: str | None = None
) -> Explanation:
    async with house.reading() as connection:
        return await explain_thing(connection, house.tenant, kind, names=names, limit=limit, cursor=cursor)


async def some_house(house: House) -> Books:
    books = await some_books(house)
    await house.fill(await house.order(books.ana, books.connection, side=Side.SELL), 40_000, fee=coins(-1, "USDT"))
    return books


async def test_every_figure_of_everything_is_explained(house: House) -> None:
    assert MANY.keys() == {kind for kind, thing in THINGS.items() if thing.own is None}
    async with projections_of(house.urls):
        await some_house(house)
        await house.caught_up()
    for kind, listed in MANY.items():
        more = {"user": None} if kind in {"transfer", "quote"} else {}
        async with house.reading() as connection:
            items = (await listed(connection, limit=MUCH, **more)).items
        assert items, f"the house has no {kind}"
        for item in items:
            found = await explained(house, kind, names_of(kind, item))
            assert {one.figure: one.amount for one in found.figures} == shown_of(kind, item), kind
            assert found.steps[0].changes, kind
            assert adds_up(found), kind
            assert_rooted(found)


async def test_every_balance_and_every_total_is_explained(house: House) -> None:
    async with projections_of(house.urls):
        await some_house(house)
        await house.caught_up()
    async with house.reading() as connection:
        for account in (await accounts.list_accounts(connection, limit=MUCH)).items:
            for held in account.amounts:
                found = await explain_balance(connection, account.account.path, held.asset.code, limit=MUCH)
                assert [one.amount.units for one in found.figures] == [(account.account.sign or 1) * held.units]
                assert adds_up(found)
                assert all(step.entry is not None for step in found.steps)
                assert_rooted(found)
        for total in (await get_trial_balance(connection)).totals:
            found = await explain_total(connection, total.realm.value, total.debit.asset.code)
            assert [one.amount for one in found.figures] == [total.debit, total.credit, total.difference]
            debits = [one.amount.units for one in found.accounts if one.amount.units > 0]
            assert (sum(debits), sum(one.amount.units for one in found.accounts)) == (total.debit.units, 0)


def assert_rooted(found: Explanation) -> None:
    for step in found.steps:
        assert step.origin.receipt.actor
        assert step.origin.receipt.command
        assert step.origin.receipt.recorded_at == step.origin.recorded_at


async def test_an_explanation_names_who_did_what_and_what_caused_it(house: House) -> None:
    async with projections_of(house.urls):
        books = await some_books(house)
        order = await house.order(books.ana, books.connection, side=Side.BUY)
        events = await house.store.read_stream(f"acme:order-{order.order}")
        await house.caught_up()
    found = await explained(house, "order", {"id": order.order})
    placed, submitted = (step.origin for step in found.steps)
    assert (placed.type, placed.receipt.command, placed.receipt.actor) == (
        "order.initialized.v1", "place_order", books.ana,
    )  # fmt: skip
    assert (placed.log_position, placed.event_id) == (events[0].log_position, events[0].event_id)
    assert submitted.receipt.actor == "cli:test"
    assert placed.caused_by is None


async def test_causes_are_followed_to_the_first(house: House) -> None:
    """A chain as policies make it: each event names the one that it reacts to, the first of them in tenant system."""
    async with projections_of(house.urls):
        await house.open()
        ana = await house.user("ana")
        ids = [await house.deposit(ana, cents) for cents in (100, 200, 300)]
        await house.caught_up()
    first = (await house.execute("SELECT event_id FROM log.events WHERE tenant = 'system' LIMIT 1"))[0][0]
    chain_up(house, [str(first), *ids])
    found = await explain_last(house, ids[-1])
    chain = []
    at: Origin | None = found
    while at is not None:
        chain.append(at.event_id)
        at = at.caused_by
    assert chain == [*reversed(ids), str(first).replace("-", "")]


async def test_a_balance_is_explained_as_of_one_time_and_as_known_at_another(house: House) -> None:
    early, late = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 10, tzinfo=UTC)
    house.now = datetime(2026, 1, 31, tzinfo=UTC)
    async with projections_of(house.urls):
        await house.open()
        ana = await house.user("ana")
        await house.deposit(ana, 1_000, effective_at=early)
        second = await house.deposit(ana, 100, effective_at=late)
        await house.deposit(ana, 10, effective_at=early)
        await house.caught_up()
    async with house.reading() as connection:
        known = (await journal.get_entry(connection, second)).value.recorded_at
        sums = {}
        for moment in (Moment(), Moment(as_of=early), Moment(known_at=known), Moment(as_of=early, known_at=known)):
            found = await explain_balance(connection, wallet(ana), "USD", moment=moment, limit=MUCH)
            assert adds_up(found)
            sums[moment] = [found.figures[0].amount.units, len(found.steps)]
    assert list(sums.values()) == [[1_110, 3], [1_010, 2], [1_100, 2], [1_000, 1]]


async def test_each_page_begins_with_what_the_last_one_brought_forward(house: House) -> None:
    async with projections_of(house.urls):
        books = await some_books(house)
        for cents in range(1, 6):
            await house.deposit(books.ana, cents)
        await house.caught_up()
    key = {"connection": books.connection, "instrument": "btc-usdt"}
    whole = await explained(house, "position", key)
    first = await explained(house, "position", key, limit=3)
    rest = await explained(house, "position", key, limit=3, cursor=first.next_cursor)
    assert (*first.steps, *rest.steps) == whole.steps
    assert {one.figure: one.amount for one in rest.brought_forward}["quantity"] == coins(3, "BTC")
    assert adds_up(rest)
    assert (rest.next_cursor, first.figures) == (None, whole.figures)
    async with house.reading() as connection:
        one = await explain_balance(connection, wallet(books.ana), "USD", limit=4)
        two = await explain_balance(connection, wallet(books.ana), "USD", limit=4, cursor=one.next_cursor)
    assert [figure.amount for figure in two.brought_forward] == [USD.amount(5_006)]
    assert (adds_up(two), two.next_cursor) == (True, None)
    with pytest.raises(MalformedCursor):
        await explained(house, "position", key, cursor="x")


async def test_nothing_of_another_tenant_is_explained(house: House) -> None:
    async with projections_of(house.urls):
        books = await some_books(house)
        await house.open("other")
        await house.caught_up()
    position = {"connection": books.connection, "instrument": "btc-usdt"}
    async with house.reading("other") as connection:
        order, entry = {"id": books.last_order.order}, {"id": books.deposit}
        for kind, names in (("entry", entry), ("order", order), ("position", position)):
            for tenant in ("other", "acme"):
                with pytest.raises(NothingToExplain):
                    await explain_thing(connection, tenant, kind, names=names, limit=5)
        with pytest.raises(AccountUnused):
            await explain_balance(connection, wallet(books.ana), "USD", limit=5)


async def test_what_is_not_there_is_not_explained(house: House) -> None:
    async with projections_of(house.urls):
        await some_books(house)
        await house.caught_up()
    for kind in THINGS:
        names = {"id": name("nothing"), "connection": name("nothing"), "instrument": "btc-usdt", "log_position": "7"}
        names["asset"] = "DOGE"
        with pytest.raises(NothingToExplain):
            await explained(house, kind, names)
    async with house.reading() as connection:
        with pytest.raises(NothingToExplain):
            await explain_balance(connection, BANK, "DOGE", limit=5)
        with pytest.raises(NothingToExplain):
            await explain_total(connection, "company", "DOGE")


def chain_up(house: House, events: list[str]) -> None:
    """Let each event be caused by the one before it, as policies write it down."""
    for cause, event in pairwise(events):
        tamper(house.urls, "UPDATE log.events SET causation_id = %s::uuid WHERE event_id = %s::uuid", cause, event)


async def explain_last(house: House, entry: str) -> Origin:
    return (await explained(house, "entry", {"id": entry})).steps[-1].origin
