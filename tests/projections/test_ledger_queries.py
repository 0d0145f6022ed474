"""Balances, statements, the journal and the trial balance, now and at other moments."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from application.store import Connection
from domain.ids import UserId
from domain.ledger.accounts import UnknownAccount
from domain.ledger.book import UnknownEntry
from domain.money import Asset
from projections import accounts, journal
from projections.accounts import AccountUnused
from projections.paging import MalformedCursor
from projections.past_balances import list_accounts_at, list_own_balances_at
from projections.statements import Statement, get_statement
from projections.times import NOW, Moment
from projections.trial_balance import get_trial_balance
from tests.projections.house import BANK, USD, House, name, on, projections_of, wallet

pytestmark = pytest.mark.anyio

JANUARY_5, JANUARY_7, JANUARY_10 = (datetime(2026, 1, day, tzinfo=UTC) for day in (5, 7, 10))


@pytest.fixture
async def house(house: House) -> AsyncIterator[House]:
    """A house whose read models follow, on the last day of January."""
    house.now = datetime(2026, 1, 31, tzinfo=UTC)
    await house.open()
    async with projections_of(house.urls):
        yield house


@dataclass(frozen=True)
class History:
    """Three deposits of one user: 10.00 and 1.00 in time, then 0.10 dated back before the second."""

    user: UserId
    known_before_the_last: datetime


@pytest.fixture
async def history(house: House) -> History:
    ana = await house.user("ana")
    await house.deposit(ana, 1_000, effective_at=JANUARY_5)
    second = await house.deposit(ana, 100, effective_at=JANUARY_10)
    await house.deposit(ana, 10, effective_at=JANUARY_5)
    await house.caught_up()
    async with house.reading() as connection:
        entry = await journal.get_entry(connection, second)
    return History(ana, entry.value.recorded_at)


def moments(history: History) -> dict[Moment, int]:
    """What the user's wallet holds at each combination of the two times."""
    return {
        NOW: 1_110,
        Moment(as_of=JANUARY_7): 1_010,
        Moment(known_at=history.known_before_the_last): 1_100,
        Moment(as_of=JANUARY_7, known_at=history.known_before_the_last): 1_000,
        Moment(as_of=JANUARY_5): 1_010,
        Moment(as_of=JANUARY_5 - timedelta(microseconds=1)): 0,
        Moment(known_at=history.known_before_the_last - timedelta(microseconds=1)): 1_000,
        Moment(known_at=datetime(2000, 1, 1, tzinfo=UTC)): 0,
    }


async def test_a_balance_is_asked_for_as_of_one_time_and_as_known_at_another(house: House, history: History) -> None:
    async with house.reading() as connection:
        for moment, units in moments(history).items():
            answer = await journal.get_balances_at(connection, wallet(history.user), moment)
            assert answer.value.amounts == (USD.amount(-units),), moment


async def test_the_trial_balance_agrees_with_the_balances_at_every_moment(house: House, history: History) -> None:
    async with house.reading() as connection:
        for moment, units in moments(history).items():
            trial = await get_trial_balance(connection, moment)
            sides = {row.account: (row.debit.units, row.credit.units) for row in trial.rows}
            assert sides == ({BANK: (units, 0), wallet(history.user): (0, units)} if units else {}), moment
            assert all(not total.difference for total in trial.totals)


async def test_a_statement_ends_with_the_balance_at_every_moment(house: House, history: History) -> None:
    async with house.reading() as connection:
        for moment, units in moments(history).items():
            statement = await get_statement(connection, wallet(history.user), moment=moment, limit=10)
            assert statement.closing == ((USD.amount(units),) if units else ()), moment


async def test_own_balances_and_the_list_of_accounts_agree_with_the_balances_at_every_moment(
    house: House, history: History
) -> None:
    async with house.reading() as connection:
        for moment, units in moments(history).items():
            own = (await list_own_balances_at(connection, history.user, moment)).value
            assert [(one.bucket, one.state, one.amount.units) for one in own] == (
                [("real", "available", units)] if units else []
            ), moment
            listed = await list_accounts_at(connection, moment, prefix="liabilities:users", limit=5)
            assert [(one.account.path, one.amounts) for one in listed.items] == (
                [(wallet(history.user), (USD.amount(-units),))] if units else []
            ), moment
            entries = await journal.list_own_entries(connection, history.user, moment=moment, limit=5)
            assert sum(line.amount.units for entry in entries.items for line in entry.postings) == -units, moment


async def test_accounts_at_a_moment_come_in_pages(house: House, history: History) -> None:
    moment = Moment(as_of=JANUARY_10)
    async with house.reading() as connection:
        first = await list_accounts_at(connection, moment, limit=1)
        rest = await list_accounts_at(connection, moment, limit=1, cursor=first.next_cursor)
    assert [one.account.path for one in (*first.items, *rest.items)] == [BANK, wallet(history.user)]
    assert rest.next_cursor is None


async def test_balances_now_are_the_sums_of_all_postings(house: House, history: History) -> None:
    async with house.reading() as connection:
        for account in (BANK, wallet(history.user)):
            now = await accounts.get_balances(connection, account)
            assert now.value == (await journal.get_balances_at(connection, account, NOW)).value


async def test_an_account_without_postings_is_unknown_and_a_path_outside_the_chart_is_malformed(
    house: House, history: History
) -> None:
    async with house.reading() as connection:
        for question in (
            accounts.get_balances(connection, "equity:owner"),
            journal.get_balances_at(connection, "equity:owner", Moment(as_of=JANUARY_7)),
            get_statement(connection, "equity:owner", limit=5),
        ):
            with pytest.raises(AccountUnused):
                await question
        with pytest.raises(UnknownAccount):
            await accounts.get_balances(connection, "no:such:account")
    assert history.user


async def all_pages(connection: Connection, account: str, limit: int) -> list[Statement]:
    pages = [await get_statement(connection, account, limit=limit)]
    while cursor := pages[-1].next_cursor:
        pages.append(await get_statement(connection, account, limit=limit, cursor=cursor))
    return pages


async def test_each_page_of_a_statement_begins_where_the_last_one_ended(house: House) -> None:
    ana = await house.user("ana")
    for cents in range(1, 24):
        await house.post((BANK, cents), (BANK, 1), (wallet(ana), -cents - 1))
    await house.caught_up()
    async with house.reading() as connection:
        (whole,) = await all_pages(connection, BANK, 500)
        pages = await all_pages(connection, BANK, 5)
    assert [len(page.items) for page in pages] == [5] * 9 + [1]
    assert tuple(line for page in pages for line in page.items) == whole.items
    assert all(page.closing == following.opening for page, following in pairwise(pages))
    running = 0
    for line in whole.items:
        running += line.amount.units
        assert line.balance.units == running
    assert whole.closing == (USD.amount(sum(range(1, 24)) + 23),)


async def test_a_statement_of_a_period_brings_forward_what_was_effective_before(house: House, history: History) -> None:
    async with house.reading() as connection:
        statement = await get_statement(
            connection, wallet(history.user), effective_from=JANUARY_7, effective_to=JANUARY_10 + timedelta(1), limit=5
        )
        before = await get_statement(connection, wallet(history.user), effective_to=JANUARY_10, limit=1)
        rest = await get_statement(
            connection, wallet(history.user), effective_to=JANUARY_10, limit=1, cursor=before.next_cursor
        )
    assert statement.opening == (USD.amount(1_010),)
    assert [(line.amount.units, line.balance.units) for line in statement.items] == [(100, 1_110)]
    assert [line.balance.units for line in (*before.items, *rest.items)] == [1_000, 1_010]
    assert rest.next_cursor is None


async def test_what_becomes_known_between_two_pages_does_not_slip_into_the_second(house: House) -> None:
    ana = await house.user("ana")
    *_, last = [await house.deposit(ana, 1) for _ in range(3)]
    await house.caught_up()
    async with house.reading() as connection:
        known = Moment(known_at=(await journal.get_entry(connection, last)).value.recorded_at)
        first = await get_statement(connection, BANK, moment=known, limit=2)
    await house.deposit(ana, 5)
    await house.caught_up()
    async with house.reading() as connection:
        second = await get_statement(connection, BANK, moment=known, limit=2, cursor=first.next_cursor)
    assert [line.balance.units for line in second.items] == [3]


async def test_a_statement_can_be_of_one_asset(house: House) -> None:
    ana = await house.user("ana")
    connection_id = await house.connection(ana, start=5)
    await house.caught_up()
    async with house.reading() as connection:
        holdings = f"portfolio:{connection_id}:holdings"
        assert len((await get_statement(connection, holdings, asset="USDT", limit=5)).items) == 1
        assert (await get_statement(connection, holdings, asset="BTC", limit=5)).items == ()


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "",
        "e30",
        "WzFd",
        "WzEsMiwzLDRd",
        "WzEsMiwzLFtbMV1dXQ",
        "WzEsMiwzLFtbInVzZCIsMiwxXV1d",
        "é",
        "WyJcdTAwMDAiXQ",
    ],
)
async def test_a_forged_cursor_is_refused(house: House, history: History, cursor: str) -> None:
    async with house.reading() as connection:
        with pytest.raises(MalformedCursor):
            await get_statement(connection, BANK, limit=5, cursor=cursor)
    assert history.user


async def test_accounts_are_listed_by_prefix_in_the_order_of_their_paths(house: House) -> None:
    await house.post((BANK, 5), ("assets:bank:own:main", 5), ("equity:owner", -7), ("equity:opening", -3))
    await house.caught_up()
    async with house.reading() as connection:
        whole = await accounts.list_accounts(connection, limit=500)
        first = await accounts.list_accounts(connection, prefix="equity", limit=1)
        rest = await accounts.list_accounts(connection, prefix="equity", limit=1, cursor=first.next_cursor)
        none = await accounts.list_accounts(connection, prefix="liabilities:", limit=5)
    paths = [item.account.path for item in whole.items]
    assert paths == [BANK, "assets:bank:own:main", "equity:opening", "equity:owner"]
    assert [item.account.path for item in (*first.items, *rest.items)] == ["equity:opening", "equity:owner"]
    assert (rest.next_cursor, none.items) == (None, ())
    assert [item.amounts[0].units for item in whole.items] == [5, 5, -3, -7]


async def test_own_balances_stand_on_the_side_their_owner_expects(house: House) -> None:
    ana, bob = await house.user("ana"), await house.user("bob")
    await house.deposit(ana, 500)
    await house.post((f"assets:receivable:users:{bob}", 40), ("revenue:trading_commission", -40))
    await house.post((BANK, 9), (f"liabilities:users:{bob}:prepaid:available", -9))
    head = await house.caught_up()
    async with house.reading() as connection:
        assert [
            (own.bucket, own.state, own.amount) for own in (await accounts.list_own_balances(on(connection), ana)).value
        ] == [("real", "available", USD.amount(500))]
        of_bob = await accounts.list_own_balances(on(connection), bob)
        nobody = await accounts.list_own_balances(on(connection), UserId(name("nobody")))
    assert {(own.bucket, own.state, own.amount.units) for own in of_bob.value} == {
        ("receivable", "owed", 40), ("prepaid", "available", 9)
    }  # fmt: skip
    assert (nobody.value, nobody.log_position) == ((), head)


async def test_entries_are_found_by_account_kind_reference_and_time(house: House) -> None:
    ana = await house.user("ana")
    capital = await house.post((BANK, 5), ("equity:owner", -5), kind="capital", reference="C-1", effective_at=JANUARY_5)
    deposit = await house.deposit(ana, 7, effective_at=JANUARY_7)
    reversal = await house.reverse(deposit)
    await house.caught_up()
    async with house.reading() as connection:

        async def found(**wanted: Any) -> list[str]:  # noqa: ANN401 - texts and instants, by name
            return [entry.id for entry in (await journal.list_entries(connection, limit=10, **wanted)).items]

        assert await found() == [reversal, deposit, capital]
        assert await found(account=BANK) == [reversal, deposit, capital]
        assert await found(account="equity:owner") == [capital]
        assert await found(account=BANK, kind="capital") == [capital]
        assert await found(reference="C-1") == [capital]
        assert await found(reference=deposit) == [reversal, deposit]
        assert await found(effective_from=JANUARY_7) == [reversal, deposit]
        assert await found(effective_from=JANUARY_5, effective_to=JANUARY_7) == [capital]
        assert await found(kind="nothing") == []
        first = await journal.list_entries(connection, limit=2)
        rest = await journal.list_entries(connection, limit=2, cursor=first.next_cursor)
        assert [entry.id for entry in (*first.items, *rest.items)] == [reversal, deposit, capital]


async def test_an_entry_names_the_one_that_reversed_it(house: House) -> None:
    ana = await house.user("ana")
    entry = await house.deposit(ana, 7)
    reversal = await house.reverse(entry)
    await house.caught_up()
    async with house.reading() as connection:
        original = (await journal.get_entry(connection, entry)).value
        negation = (await journal.get_entry(connection, reversal)).value
        with pytest.raises(UnknownEntry):
            await journal.get_entry(connection, name("no entry"))
    assert (original.reversed_by, original.reverses) == (reversal, None)
    assert (negation.reversed_by, negation.reverses) == (None, entry)
    assert original.metadata == {"line": 'ü "\\'}
    assert original.book == ana
    assert [(line.account, line.amount) for line in original.postings] == [
        (BANK, USD.amount(7)), (wallet(ana), USD.amount(-7))
    ]  # fmt: skip


async def test_own_transactions_show_a_user_nobody_elses_accounts(house: House) -> None:
    ana, bob = await house.user("ana"), await house.user("bob")
    entry = await house.deposit(ana, 7)
    await house.deposit(bob, 9)
    await house.post((BANK, 1), ("equity:owner", -1))
    await house.caught_up()
    async with house.reading() as connection:
        page = await journal.list_own_entries(connection, ana, limit=10)
    assert [(own.id, [line.account for line in own.postings]) for own in page.items] == [(entry, [wallet(ana)])]


async def test_the_largest_postings_add_up_exactly(house: House) -> None:
    most = 10**20 - 1
    coin = Asset("BTC", 18)
    ana = await house.user("ana")
    connection_id = await house.connection(ana, start=1)
    for _ in range(30):
        await house.post((BANK, most), ("equity:owner", -most))
    await house.caught_up()
    async with house.reading() as connection:
        (balance,) = (await accounts.get_balances(connection, BANK)).value.amounts
        statement = await get_statement(connection, BANK, limit=29)
        rest = await get_statement(connection, BANK, limit=29, cursor=statement.next_cursor)
        (start,) = (await accounts.get_balances(connection, f"portfolio:{connection_id}:external")).value.amounts
    assert balance.units == rest.closing[0].units == 30 * most
    assert start.units == -(10**coin.scale)
