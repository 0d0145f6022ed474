"""What is asked all the time never reads a whole table, not even under row security."""

from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import md5

import pytest

from application.store import Connection
from domain.ids import UserId
from projections import accounts, journal, orders, positions, users
from projections.generations import ensure_generations
from projections.models import PROJECTIONS
from projections.statements import get_statement
from projections.times import Moment
from tests.projections.house import BANK, START, House, on, wallet

pytestmark = pytest.mark.anyio

USER = UserId(md5(b"7", usedforsecurity=False).hexdigest())

_STATEMENTS = (
    """
    CREATE TEMPORARY TABLE made AS
    SELECT tenant, n, '2026-01-01Z'::timestamptz + n * interval '1 minute' AS at, md5((n % 1500)::text) AS user_id
    FROM generate_series(1, 6000) AS n, unnest(ARRAY['acme', 'other']) AS tenant
    """,
    """
    INSERT INTO journal_g1.entries
    SELECT tenant, n, n, at, md5(tenant || n), user_id, 'kind_' || n % 10, md5(tenant || n), at, at, 'cli:test', '',
        '{}', CASE WHEN n % 100 = 0 THEN md5(tenant || n - 1) END FROM made
    """,
    """
    INSERT INTO journal_g1.postings
    SELECT tenant, n, line, CASE line WHEN 1 THEN 'assets:bank:client:main'
        ELSE 'liabilities:users:' || user_id || ':real:available' END, 'USD', 2, CASE line WHEN 1 THEN 1 ELSE -1 END, at
    FROM made, generate_series(1, 2) AS line
    """,
    """
    INSERT INTO accounts_g1.balances
    SELECT tenant, account, 'USD', 2, 'company', 'liabilities', 'credit', sum(units)
    FROM journal_g1.postings GROUP BY tenant, account
    """,
    """
    INSERT INTO orders_g1.orders
    SELECT tenant, md5(tenant || n), user_id, user_id, 'btc-usdt', NULL, 'buy', 'market', 1, NULL, 'FILLED', false,
        NULL, NULL, 1, 1, at, at, n FROM made
    """,
    """
    INSERT INTO orders_g1.order_fees SELECT tenant, id, 'USDT', 1 FROM orders_g1.orders
    """,
    """
    INSERT INTO users_g1.users SELECT tenant, md5(tenant || n), 'x', 'ACTIVE', '{}', true, false, n, at FROM made
    """,
    """
    INSERT INTO positions_g1.positions SELECT tenant, md5(tenant || n), 'btc-usdt', 'none', 1, 1, 0 FROM made
    """,
    """
    INSERT INTO positions_g1.position_charges
    SELECT tenant, connection, instrument, strategy, 'fee', 'USDT', 1 FROM positions_g1.positions
    """,
    "UPDATE projection.generations SET log_position = 6000",
)


@pytest.fixture
async def reader(house: House) -> AsyncIterator[Connection]:
    """A reader of tenant `acme` among many rows of two tenants."""
    async with house.projector.connection() as connection:
        await ensure_generations(connection, PROJECTIONS)
        for statement in _STATEMENTS:
            await connection.execute(statement)
        await connection.execute("ANALYZE")
    async with house.reading() as connection:
        yield connection


async def rows_read(connection: Connection) -> dict[str, tuple[int, int]]:
    """Return, by table, the scans of the whole table and the rows fetched through indexes in this transaction."""
    cursor = await connection.execute(
        "SELECT relname, seq_scan, coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE schemaname ~ '_g1$'"
    )
    return {table: (whole, fetched) for table, whole, fetched in await cursor.fetchall()}


async def test_what_is_asked_all_the_time_never_reads_a_whole_table(reader: Connection) -> None:
    await accounts.get_balances(reader, BANK)
    await accounts.list_accounts(reader, prefix="liabilities:users:", limit=10)
    await accounts.list_own_balances(on(reader), USER)
    page = await journal.list_entries(reader, limit=10)
    await journal.list_entries(reader, limit=10, cursor=page.next_cursor)
    await journal.list_entries(reader, account=wallet(USER), limit=10)
    await journal.list_entries(reader, account=BANK, limit=10)
    await journal.list_entries(reader, reference=page.items[3].reference, limit=10)
    await journal.list_entries(reader, kind="kind_3", limit=10)
    await journal.list_entries(reader, effective_from=START, effective_to=START + timedelta(hours=1), limit=10)
    await journal.list_own_entries(reader, USER, limit=10)
    await journal.get_entry(reader, page.items[0].id)
    await journal.get_balances_at(reader, wallet(USER), Moment(as_of=START, known_at=START + timedelta(days=1)))
    await get_statement(reader, wallet(USER), limit=10, moment=Moment(known_at=START + timedelta(days=1)))
    await orders.list_orders(reader, user=USER, limit=10)
    await positions.list_positions(reader, limit=10)
    await users.list_users(reader, limit=10)
    read = await rows_read(reader)
    assert {table: whole for table, (whole, _) in read.items() if whole} == {}
    assert read["postings"][1] < 2_000
    assert read["entries"][1] < 1_000
    assert read["balances"][1] < 100


async def test_a_page_of_a_statement_costs_a_page_however_deep_it_is(reader: Connection) -> None:
    page = await get_statement(reader, BANK, limit=500)
    for _ in range(9):
        page = await get_statement(reader, BANK, limit=500, cursor=page.next_cursor)
    before = await rows_read(reader)
    page = await get_statement(reader, BANK, limit=10, cursor=page.next_cursor)
    after = await rows_read(reader)
    assert page.items[0].log_position == 10 * 500 + 1
    assert after["postings"][1] - before["postings"][1] <= 11
    assert after["postings"][0] == before["postings"][0]
