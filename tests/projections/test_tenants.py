"""Tenants never see each other's rows: asked of every view and every query, as the role that the API has."""

import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from inspect import iscoroutinefunction, signature
from itertools import product
from pkgutil import iter_modules
from types import FunctionType

import pytest
from psycopg import errors
from psycopg.sql import SQL, Identifier

import projections
from application.withdrawals import approve_withdrawal
from domain.errors import NotFound
from domain.orders.terms import Side
from interfaces.postgres.connections import reading_once, writing
from projections.generations import definition_of
from projections.jobs import VERIFY, ask_job
from projections.models import PROJECTIONS
from projections.reading import Answer, Page
from projections.rebuild import rebuild
from projections.statements import Statement
from projections.times import Moment
from projections.trial_balance import TrialBalance
from tests.projections import cashier, till
from tests.projections.house import BANK, START, House, coins, projections_of

pytestmark = pytest.mark.anyio

OF_THE_LOG = {"events", "commands", "causes"}
SHOW_THE_SYSTEM = {"assets", "commands", "causes"}
"""They show the system's rows beside a tenant's own: its assets, and what may have caused something."""
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
    await house.do(approve_withdrawal(house.envelope(), await cashier.withdrawal(house, ana, to)))
    await cashier.api_key(house, ana)
    dora = await house.user("dora")
    await till.some_funding(house, dora)
    await cashier.transfer(house, dora, to=ana)
    await cashier.exchange(house, dora)
    async with writing(house.app, "acme") as database:
        await ask_job(database, "0" * 32, tenant="acme", asked_by=ana, act=VERIFY)
    async with projections_of(house.urls):
        await house.caught_up()
    return house


async def views(house: House) -> list[str]:
    """The views of read models, but for their cursors, which are no tenant's."""
    rows = await house.execute(
        "SELECT viewname FROM pg_views WHERE schemaname = 'read' AND NOT viewname LIKE '%%\\_cursor'"
    )
    return [row[0] for row in rows]


async def tenants_in(house: House, view: str, tenant: str) -> set[str]:
    """Return whose rows a tenant sees in a view."""
    async with house.reading(tenant) as connection:
        query = SQL("SELECT DISTINCT tenant FROM {}").format(Identifier("read", view))
        return {row[0] for row in await (await connection.execute(query)).fetchall()}


async def test_the_role_that_reads_has_no_power_to_pass_row_security(house: House) -> None:
    async with house.reading() as connection:
        cursor = await connection.execute(
            "SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        )
        assert await cursor.fetchone() == ("lastro_app", False, False)


async def test_every_view_shows_a_tenant_its_own_rows_and_another_none(house: House) -> None:
    found = await views(house)
    assert set(found) == TABLES | OF_THE_LOG
    for view in found:
        assert "acme" in await tenants_in(house, view, "acme") or view == "assets", view
        shared = {"system"} if view in SHOW_THE_SYSTEM else set()
        assert await tenants_in(house, view, "other") <= shared, view
        assert await tenants_in(house, view, "") <= ({"system"} if view == "assets" else set()), view
    assert await tenants_in(house, "assets", "other") == {"system"}


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


OF_THE_INSTALLATION = {"list_checkpoints", "list_generations", "list_reports", "list_standings"}
"""What no tenant has: seals of the whole log, and how far read models and workers are."""

for one in iter_modules(projections.__path__, "projections."):
    import_module(one.name)
QUERIES = sorted(
    (
        query
        for module in [module for name, module in sys.modules.items() if name.startswith("projections.")]
        for name, query in vars(module).items()
        if name.startswith(("get_", "list_"))
        and iscoroutinefunction(query)
        and query.__module__ == module.__name__
        and name not in OF_THE_INSTALLATION
    ),
    key=lambda query: f"{query.__module__}.{query.__name__}",
)


async def known_to(house: House) -> dict[str, list[object]]:
    """Return values of `acme` for every argument that a query cannot do without, by the argument's name."""
    known: dict[str, list[object]] = {"limit": [9], "asset": ["USD"], "now": [house.now], "account": [BANK]}
    known |= {"bucket": ["real"], "state": ["available"]}
    known["moment"] = [Moment(), Moment(as_of=START), Moment(known_at=START.replace(year=2100))]
    rows = await house.execute("SELECT min(notification_id) FROM log.events WHERE tenant = 'acme'")
    known["log_position"] = [row[0] for row in rows]
    of = {"entry": "entries", "connection": "connections"}
    for thing in ("user", "entry", "order", "connection", "deposit", "refund", "withdrawal"):
        rows = await house.execute(f"SELECT id FROM read.{of.get(thing, f'{thing}s')}")  # noqa: S608 - names of ours
        known[thing] = [row[0] for row in rows]
    return known


def asked(query: FunctionType, known: Mapping[str, list[object]]) -> list[dict[str, object]]:
    """Return every way to ask a query with what is known; its first parameter is what it reads by."""
    needed = [
        name
        for name, parameter in list(signature(query).parameters.items())[1:]
        if parameter.default is parameter.empty or name == "moment"
    ]
    assert set(needed) <= known.keys(), f"{query.__qualname__} needs {needed}: say in known_to() what acme has of them"
    return [dict(zip(needed, values, strict=True)) for values in product(*(known[name] for name in needed))]


def how_much(answer: object) -> int:
    match answer:
        case Page(items=found) | Statement(items=found) | Answer(value=tuple(found)) | TrialBalance(rows=found):
            return len(found)
        case list(found):
            return len(found)
        case _:
            return 1


async def found(house: House, query: FunctionType, *, tenant: str, known: Mapping[str, list[object]]) -> int:
    """Return how much a query finds for a tenant, asked in every way."""
    count = 0
    for arguments in asked(query, known):
        async with house.reading(tenant) as connection:
            reads = reading_once(house.app, tenant) if "ask" in signature(query).parameters else connection
            with suppress(NotFound):
                count += how_much(await query(reads, **arguments))
    return count


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: f"{query.__module__.rpartition('.')[2]}.{query.__name__}")
async def test_no_query_finds_anything_of_another_tenant(house: House, query: FunctionType) -> None:
    known = await known_to(house)
    assert await found(house, query, tenant="acme", known=known), "the question is not one that finds something"
    of_the_system = 1 if query.__name__ == "list_assets" else 0
    for tenant in ("other", ""):
        assert await found(house, query, tenant=tenant, known=known) == of_the_system
