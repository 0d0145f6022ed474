"""Tenants never see each other's rows: asked of every view and every query, as the role that the API has."""

import re

import pytest
from psycopg import errors
from psycopg.sql import SQL, Identifier

from domain.errors import NotFound
from domain.orders.terms import Side
from projections import accounts, assets, connections, fills, journal, orders, positions, users
from projections.generations import definition_of
from projections.models import PROJECTIONS
from projections.rebuild import rebuild
from projections.statements import get_statement
from projections.times import Moment
from projections.trial_balance import get_trial_balance
from tests.projections import cashier, till
from tests.projections.house import BANK, START, House, coins, projections_of, wallet

pytestmark = pytest.mark.anyio

TABLES = {
    table
    for model in PROJECTIONS
    for table in re.findall(r"^create table (\w+)", definition_of(model).tables, re.MULTILINE)
}


@pytest.fixture
async def house(house: House) -> House:
    """Everything there is happens in tenant `acme`; tenant `other` is empty."""
    await house.open("other")
    await house.open("acme")
    await house.asset("BTC")
    ana = await house.user("ana")
    await house.deposit(ana, 500)
    connection = await house.connection(ana)
    await house.fill(await house.order(ana, connection, side=Side.BUY), 30_000, fee=coins(30, "USDT"))
    to = await cashier.destination(house, ana)
    await cashier.proposal(house, await cashier.withdrawal(house, ana, to, cents=60_000))
    await cashier.payout_file(house, ana, to)
    dora = await house.user("dora")
    await till.some_funding(house, dora)
    await cashier.transfer(house, dora, to=ana)
    await cashier.exchange(house, dora)
    async with projections_of(house.urls):
        await house.caught_up()
    return house


async def views(house: House) -> list[str]:
    """The views of read models, but for their cursors, which are no tenant's."""
    rows = await house.execute(
        "SELECT viewname FROM pg_views WHERE schemaname = 'read' AND NOT viewname LIKE '%%\\_cursor'"
    )
    return [row[0] for row in rows]


async def count(house: House, view: str, tenant: str) -> int:
    async with house.reading(tenant) as connection:
        query = SQL("SELECT count(*) FROM {}").format(Identifier("read", view))
        row = await (await connection.execute(query)).fetchone()
        assert row is not None
        return int(row[0])


async def test_the_role_that_reads_has_no_power_to_pass_row_security(house: House) -> None:
    async with house.reading() as connection:
        cursor = await connection.execute(
            "SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        )
        assert await cursor.fetchone() == ("lastro_app", False, False)


async def test_every_view_shows_a_tenant_its_own_rows_and_another_none(house: House) -> None:
    found = await views(house)
    assert set(found) == TABLES | {"events"}
    for view in found:
        assert await count(house, view, "acme") > 0, view
        if view != "assets":
            assert await count(house, view, "other") == 0, view
            assert await count(house, view, "") == 0, view
    assert await count(house, "assets", "other") == 1


async def test_after_a_rebuild_tenants_are_as_separate_as_before(house: House) -> None:
    await rebuild(tuple(PROJECTIONS.values()), connect=house.connect_projector, store=house.store)
    await test_every_view_shows_a_tenant_its_own_rows_and_another_none(house)


async def test_a_session_without_a_tenant_sees_nothing(house: House) -> None:
    async with house.app.connection() as connection:
        for view in set(await views(house)) - {"assets"}:
            query = SQL("SELECT count(*) FROM {}").format(Identifier("read", view))
            assert await (await connection.execute(query)).fetchone() == (0,), view


async def test_every_table_of_a_generation_has_forced_row_security(house: House) -> None:
    rows = await house.execute(
        "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity, count(p.oid) FROM pg_class AS c "
        "INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace LEFT JOIN pg_policy AS p ON p.polrelid = c.oid "
        "WHERE n.nspname LIKE '%%\\_g1' AND c.relkind = 'r' GROUP BY c.oid"
    )
    assert {table for table, _, _ in rows} == TABLES
    assert {(forced, policies) for _, forced, policies in rows} == {(True, 1)}


async def test_the_role_that_reads_cannot_write_a_read_model(house: House) -> None:
    for schema, table in (("accounts_g1", "balances"), ("read", "balances")):
        for statement in ("DELETE FROM {}", "UPDATE {} SET units = 1"):
            async with house.app.connection() as connection:
                with pytest.raises(errors.InsufficientPrivilege):
                    await connection.execute(SQL(statement).format(Identifier(schema, table)))
    async with house.app.connection() as connection:
        with pytest.raises(errors.InsufficientPrivilege):
            await connection.execute("UPDATE projection.generations SET log_position = 0")


async def test_no_query_finds_anything_of_another_tenant(house: House) -> None:
    ((ana, connection_id),) = await house.execute("SELECT user_id, id FROM read.connections")
    (order,), (entry,) = (
        await house.execute("SELECT id FROM read.orders"),
        await house.execute("SELECT id FROM read.entries LIMIT 1"),
    )
    async with house.reading("other") as connection:
        for page in (
            await accounts.list_accounts(connection, limit=9),
            await journal.list_entries(connection, limit=9),
            await journal.list_entries(connection, account=BANK, limit=9),
            await journal.list_own_entries(connection, ana, limit=9),
            await orders.list_orders(connection, user=ana, limit=9),
            await fills.list_fills(connection, user=ana, limit=9),
            await positions.list_positions(connection, user=ana, limit=9),
            await connections.list_connections(connection, user=ana, limit=9),
            await users.list_users(connection, limit=9),
        ):
            assert page.items == ()
        assert (await accounts.list_own_balances(connection, ana)).value == ()
        for moment in (Moment(), Moment(as_of=START), Moment(known_at=START.replace(year=2100))):
            assert (await get_trial_balance(connection, moment)).rows == ()
        for question in (
            accounts.get_balances(connection, wallet(ana)),
            journal.get_balances_at(connection, wallet(ana), Moment(as_of=START)),
            get_statement(connection, BANK, limit=9),
            journal.get_entry(connection, entry[0]),
            orders.get_order(connection, order[0]),
            users.get_user(connection, ana),
            connections.get_connection(connection, connection_id),
        ):
            with pytest.raises(NotFound):
                await question
        assert len((await assets.list_assets(connection, limit=9)).items) == 1
