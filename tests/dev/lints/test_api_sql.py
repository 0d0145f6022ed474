import pytest

from dev.lints import api_sql
from dev.lints.repository import Repository

BAD = [
    'rows = run("select value from read.balances where account = %s")',
    'text = f"""\n    SELECT *\n    FROM {table}\n"""',
    'text = "insert into vault.sessions values (%s)"',
    'text = "update users set status = %s"',
    'text = "delete from users"',
    "text = \"select set_config('app.tenant', %s, true)\"",
    "import psycopg",
    "from psycopg.rows import dict_row",
    "async def route(connection): await connection.execute(QUERY)",
]

GOOD = [
    'detail = "select an account"',
    '"""Answers what was once select … from accounts."""',
    'router = APIRouter(prefix="/accounts")',
    "async def route(queries): return await queries.list_accounts()",
]


@pytest.mark.parametrize("code", BAD)
def test_sql_in_a_router_is_reported(code: str) -> None:
    assert [finding.rule for finding in api_sql.check(Repository.of({"interfaces/api/ledger.py": code}))] == ["api-sql"]


@pytest.mark.parametrize("code", GOOD)
def test_a_router_without_sql_passes(code: str) -> None:
    assert list(api_sql.check(Repository.of({"interfaces/api/ledger.py": code}))) == []


def test_queries_may_stand_beside_their_projection() -> None:
    assert list(api_sql.check(Repository.of({"projections/accounts.py": BAD[0]}))) == []
