import pytest

from dev.lints import commits
from dev.lints.repository import Repository

BAD = [
    "connection.commit()",
    'connection.execute("COMMIT")',
    'cursor.execute("begin; update x set y = 1; commit")',
    "async def save(c):\n    async with c.transaction(): ...",
    "connection = connect(url, autocommit=True)",
    "connection.autocommit = True",
    "connection.set_autocommit(True)",
    "async def save(pool):\n    async with connections.writing(pool, tenant) as c: ...",
    'ROW = "insert into read.balances values (%s)"',
    'ROW = f"update {table} set a = 1"',
    'ROW = """\n    with gone as (delete from users returning id)\n    select id from gone\n"""',
    'ROWS = "copy accounts (a, b) from stdin"',
    'APPEND = "select * from log.append(%s, %s)"',
    'TABLE = "create table accounts (a int)"',
]

GOOD = [
    'QUERY = "select value from read.balances"',
    'EXPORT = "copy (select 1) to stdout"',
    '"""Never writes: insert into, update … set and commit are the store\'s."""',
    'name = "commit"',
    "async def read(pool):\n    async with connections.reading(pool, tenant) as c: ...",
    'message = "created the account"',
]


@pytest.mark.parametrize("code", BAD)
@pytest.mark.parametrize("path", ["application/orders.py", "projections/accounts.py", "interfaces/api/ledger.py"])
def test_a_second_way_in_is_reported(path: str, code: str) -> None:
    assert {finding.rule for finding in commits.check(Repository.of({path: code}))} == {"commits"}


@pytest.mark.parametrize("code", GOOD)
def test_reading_passes(code: str) -> None:
    assert list(commits.check(Repository.of({"projections/accounts.py": code}))) == []


@pytest.mark.parametrize("code", BAD)
@pytest.mark.parametrize("path", ["application/store.py", "interfaces/postgres/vault_keys.py", "tests/test_store.py"])
def test_store_and_vault_may_commit_and_tests_may_do_anything(path: str, code: str) -> None:
    assert list(commits.check(Repository.of({path: code}))) == []


def test_a_permission_without_its_file_is_reported() -> None:
    texts = dict.fromkeys(commits.MAY_COMMIT, "")
    assert list(commits.stale(Repository.of(texts))) == []
    del texts["application/store.py"]
    assert [finding.message for finding in commits.stale(Repository.of(texts))] == [
        "application/store.py does not exist"
    ]
