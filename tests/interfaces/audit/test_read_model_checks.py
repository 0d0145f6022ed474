"""Read models that are not what replay comes to: one changed digit, one row too many or too few, a wrong cursor."""

import pytest
from psycopg.sql import SQL, Identifier

from interfaces.audit import verify as verifying
from projections.models import PROJECTIONS
from tests.interfaces.audit.forgery import Books, found, positions_of, tamper
from tests.projections.house import projections_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def read(books: Books) -> Books:
    """Books whose read models have read everything, and stand still."""
    async with projections_of(books.house.urls):
        await books.house.caught_up()
    return books


CHANGES = {
    "assets": ["assets_g1.assets SET portfolio_scale = 17 WHERE code = 'BTC'"],
    "users": [
        "users_g1.users SET roles = '{ADMIN}' WHERE id = (SELECT min(id) FROM users_g1.users)",
        "users_g1.users SET status = 'SUSPENDED' WHERE id = (SELECT min(id) FROM users_g1.users)",
    ],
    "connections": ["connections_g1.connections SET start_units = start_units + 1"],
    "accounts": [
        "accounts_g1.balances SET units = units + 1 WHERE account = 'assets:bank:client:main'",
        "accounts_g1.balances SET normal_side = 'debit' WHERE account = 'equity:owner'",
        "accounts_g1.balances SET scale = 3 WHERE account = 'equity:owner'",
    ],
    "journal": [
        "journal_g1.postings SET units = units + 1 WHERE account = 'equity:owner'",
        "journal_g1.postings SET account = 'equity:result' WHERE account = 'equity:owner'",
        "journal_g1.entries SET note = 'x' WHERE reference = 'capital'",
        "journal_g1.entries SET metadata = '{}' WHERE reference = 'capital'",
        "journal_g1.entries SET effective_at = effective_at + interval '1 microsecond' WHERE reference = 'capital'",
    ],
    "orders": [
        "orders_g1.orders SET filled = filled + 1 WHERE id = (SELECT min(id) FROM orders_g1.orders)",
        "orders_g1.order_fees SET units = units - 1 WHERE order_id = (SELECT min(order_id) FROM orders_g1.order_fees)",
    ],
    "fills": [
        "fills_g1.fills SET price = price + 1 WHERE log_position = (SELECT min(log_position) FROM fills_g1.fills)"
    ],
    "api_keys": [
        "api_keys_g1.api_keys SET scopes = '{withdraw}' WHERE revoked_at IS NULL",
        "api_keys_g1.api_keys SET revoked_at = NULL WHERE revoked_at IS NOT NULL",
    ],
    "destinations": ["destinations_g1.destinations SET removed = true"],
    "withdrawals": [
        "withdrawals_g1.withdrawals SET net = net + 1 WHERE payout_file IS NULL",
        "withdrawals_g1.withdrawals SET waits_for = 'payment' WHERE payout_file IS NULL",
        "withdrawals_g1.withdrawal_steps SET actor = 'somebody' WHERE status = 'approved'",
        "withdrawals_g1.payout_files SET total = total + 1",
    ],
    "proposals": ["proposals_g1.proposals SET proposed_by = 'somebody'"],
    "quotes": ["quotes_g1.quotes SET net_units = net_units + 1"],
    "transfers": ["transfers_g1.transfers SET units = units + 1"],
    "deposits": [
        "deposits_g1.deposits SET returned = returned + 1",
        "deposits_g1.deposits SET fee_units = 0",
        "deposits_g1.deposit_history SET status = 'failed' WHERE status = 'settled'",
    ],
    "refunds": ["refunds_g1.refunds SET status = 'settled'"],
    "disputes": ["disputes_g1.disputes SET status = 'lost'"],
    "payouts": ["payouts_g1.payouts SET bank = 'other'"],
    "receipts": ["receipts_g1.receipts SET user_id = NULL"],
    "volumes": ["volumes_g1.volumes SET debited = debited + 1"],
    "positions": [
        "positions_g1.positions SET cost = cost + 1",
        "positions_g1.position_charges SET units = units + 1",
    ],
}


@pytest.mark.parametrize(
    ("model", "changed"), [(model, change) for model, changes in CHANGES.items() for change in changes]
)
async def test_one_changed_digit_is_found(read: Books, model: str, changed: str) -> None:
    tamper(read.house.urls, "UPDATE " + changed)
    assert [check for check, _ in found(read.house.urls)] == [f"model {model}"]


TABLES = [
    "assets_g1.assets", "users_g1.users", "connections_g1.connections", "accounts_g1.balances", "journal_g1.entries",
    "journal_g1.postings", "orders_g1.orders", "orders_g1.order_fees", "fills_g1.fills", "positions_g1.positions",
    "positions_g1.position_charges", "destinations_g1.destinations", "withdrawals_g1.withdrawals",
    "withdrawals_g1.withdrawal_steps", "withdrawals_g1.payout_files", "proposals_g1.proposals",
    "transfers_g1.transfers", "deposits_g1.deposits", "deposits_g1.deposit_history", "refunds_g1.refunds",
    "disputes_g1.disputes", "payouts_g1.payouts", "receipts_g1.receipts", "quotes_g1.quotes",
    "api_keys_g1.api_keys", "volumes_g1.volumes",
]  # fmt: skip


async def test_every_table_of_every_model_is_among_those_that_are_changed_here(read: Books) -> None:
    rows = await read.house.execute(
        "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname LIKE '%%_g1' ORDER BY 1"
    )
    assert sorted(TABLES) == [table for (table,) in rows]
    assert set(CHANGES) == set(PROJECTIONS)


@pytest.mark.parametrize("table", TABLES)
async def test_a_missing_row_is_found(read: Books, table: str) -> None:
    delete = SQL("DELETE FROM {0} WHERE ctid = (SELECT min(ctid) FROM {0})")
    tamper(read.house.urls, delete.format(Identifier(*table.split("."))))
    assert [check for check, _ in found(read.house.urls)] == [f"model {table.partition('_g1')[0]}"]


@pytest.mark.parametrize("table", TABLES)
async def test_a_row_too_many_is_found(read: Books, table: str) -> None:
    insert = SQL("INSERT INTO {0} SELECT (json_populate_record(t, %s)).* FROM {0} AS t LIMIT 1")
    tamper(read.house.urls, insert.format(Identifier(*table.split("."))), '{"tenant":"other"}')
    assert [check for check, _ in found(read.house.urls)] == [f"model {table.partition('_g1')[0]}"]


async def test_a_row_of_an_event_names_its_log_position(read: Books) -> None:
    _, second, *_ = await positions_of(read.house, "order.filled.v1")
    tamper(read.house.urls, "UPDATE fills_g1.fills SET side = 'SELL' WHERE log_position = %s", second)
    assert found(read.house.urls) == {("model fills", second)}


async def test_a_row_without_a_log_position_is_wrong_at_the_cursor(read: Books) -> None:
    head = await read.house.store.head()
    tamper(read.house.urls, "UPDATE accounts_g1.balances SET units = 0 WHERE account = 'equity:owner'")
    assert found(read.house.urls) == {("model accounts", head)}


async def test_rows_beyond_the_cursor_are_found(read: Books) -> None:
    fills = await positions_of(read.house, "order.filled.v1")
    ((before,),) = await read.house.execute(
        "SELECT max(notification_id) FROM log.events WHERE append_index = append_size AND notification_id < %s",
        fills[-1],
    )
    tamper(read.house.urls, "UPDATE projection.generations SET log_position = %s WHERE name = 'fills'", before)
    assert found(read.house.urls) == {("model fills", fills[-1])}


async def test_a_row_of_an_event_that_the_log_does_not_have_yet(read: Books) -> None:
    head = await read.house.store.head()
    tamper(
        read.house.urls,
        "INSERT INTO fills_g1.fills SELECT (json_populate_record(t, %s)).* FROM fills_g1.fills AS t LIMIT 1",
        f'{{"log_position":{head + 1}}}',
    )
    assert found(read.house.urls) == {("model fills", head + 1)}


async def test_a_cursor_inside_an_append(read: Books) -> None:
    (claimed, *_) = await positions_of(read.house, "email.claimed.v1")
    tamper(read.house.urls, "UPDATE projection.generations SET log_position = %s WHERE name = 'assets'", claimed)
    assert ("cursors", claimed) in found(read.house.urls)


async def test_a_cursor_beyond_the_log(read: Books) -> None:
    head = await read.house.store.head()
    tamper(read.house.urls, "UPDATE projection.generations SET log_position = %s WHERE name = 'assets'", head + 1)
    assert found(read.house.urls) == {("cursors", head)}


async def test_a_model_of_another_definition_is_not_passed_over(read: Books) -> None:
    head = await read.house.store.head()
    tamper(read.house.urls, "UPDATE projection.generations SET definition = 'old' WHERE name = 'fills'")
    assert found(read.house.urls) == {("model fills", head)}


async def test_a_change_in_any_range_of_the_log_is_found(read: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "RANGE", 3)
    for position in await positions_of(read.house, "ledger.entry_posted.v1"):
        changed = "UPDATE journal_g1.postings SET units = -units WHERE log_position = %s"
        tamper(read.house.urls, changed, position)
        assert {where for _, where in found(read.house.urls)} == {position}
        tamper(read.house.urls, changed, position)
