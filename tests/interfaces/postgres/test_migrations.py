"""Migrations run once, in order, whole or not at all, and never change afterwards."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from interfaces.postgres import migrations
from interfaces.postgres.configuration import Urls
from interfaces.postgres.migrations import MigrationRefused, SchemaTooOld, check, migrate

_CASES = Path(__file__).parent / "migrations"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "roles.sql").write_text((migrations.DIRECTORY / "roles.sql").read_text())
    (tmp_path / "001_first.sql").write_text("create table first (n integer); insert into first values (1);")
    (tmp_path / "002_second.sql").write_text("alter table first add m integer default 2;")
    (tmp_path / "read_me.txt").write_text("not a migration")
    return tmp_path


def run(url: str, statement: str | bytes) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement if isinstance(statement, bytes) else statement.encode())
        return cursor.fetchall() if cursor.description else []


def test_each_file_runs_once_and_in_order(empty_database: Urls, directory: Path) -> None:
    assert migrate(empty_database.owner, directory=directory) == ("001_first", "002_second")
    assert migrate(empty_database.owner, directory=directory) == ()
    assert run(empty_database.owner, "select n, m from first") == [(1, 2)]


def test_a_changed_file_is_refused(empty_database: Urls, directory: Path) -> None:
    migrate(empty_database.owner, directory=directory, up_to=1)
    (directory / "001_first.sql").write_text("create table first (n bigint);")
    with pytest.raises(MigrationRefused, match="001_first was changed after it ran"):
        migrate(empty_database.owner, directory=directory)
    assert run(empty_database.owner, "select count(*) from lastro_migrations") == [(1,)]


def test_a_vanished_file_is_refused(empty_database: Urls, directory: Path) -> None:
    migrate(empty_database.owner, directory=directory)
    (directory / "002_second.sql").unlink()
    with pytest.raises(MigrationRefused, match="002_second, which this program does not know"):
        migrate(empty_database.owner, directory=directory)


def test_a_file_that_comes_too_late_is_refused(empty_database: Urls, directory: Path) -> None:
    (directory / "004_fourth.sql").write_text("select 1;")
    migrate(empty_database.owner, directory=directory)
    (directory / "003_third.sql").write_text("select 1;")
    with pytest.raises(MigrationRefused, match="003_third comes before 004"):
        migrate(empty_database.owner, directory=directory)


def test_two_files_with_one_number_are_refused(empty_database: Urls, directory: Path) -> None:
    (directory / "002_again.sql").write_text("select 1;")
    with pytest.raises(MigrationRefused, match="same number"):
        migrate(empty_database.owner, directory=directory)


def test_a_failing_migration_leaves_nothing(empty_database: Urls, directory: Path) -> None:
    (directory / "003_broken.sql").write_text("create table third (n integer); select 1 / 0;")
    with pytest.raises(errors.DivisionByZero):
        migrate(empty_database.owner, directory=directory)
    assert run(empty_database.owner, "select to_regclass('third')") == [(None,)]
    assert run(empty_database.owner, "select max(number) from lastro_migrations") == [(2,)]


def test_migrators_at_once_wait_for_each_other(empty_database: Urls, directory: Path) -> None:
    (directory / "003_slow.sql").write_text("select pg_sleep(0.2); create table third (n integer);")
    with ThreadPoolExecutor(4) as executor:
        ran = list(executor.map(lambda _: migrate(empty_database.owner, directory=directory), range(4)))
    assert sorted(ran) == [(), (), (), ("001_first", "002_second", "003_slow")]


def test_a_migration_gives_way_to_traffic_and_tries_again(empty_database: Urls, directory: Path) -> None:
    migrate(empty_database.owner, directory=directory, up_to=1)
    pauses: list[float] = []
    with psycopg.connect(empty_database.owner) as traffic:
        traffic.execute("select from first")

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                traffic.rollback()

        assert migrate(empty_database.owner, directory=directory, lock_timeout_ms=20, pause=pause) == ("002_second",)
    assert pauses == [0.1, 0.2, 0.4]


def test_a_migration_that_never_gets_its_locks_gives_up(empty_database: Urls, directory: Path) -> None:
    migrate(empty_database.owner, directory=directory, up_to=1)
    with psycopg.connect(empty_database.owner) as traffic:
        traffic.execute("select from first")
        with pytest.raises(MigrationRefused, match="002_second did not get its locks in 8 attempts"):
            migrate(empty_database.owner, directory=directory, lock_timeout_ms=10, pause=lambda _: None)


def test_an_older_schema_is_refused_and_a_newer_one_is_not(empty_database: Urls, directory: Path) -> None:
    migrations.grant_roles(empty_database.owner)
    with pytest.raises(SchemaTooOld, match="at migration 000, this program needs 002"):
        check(empty_database.app, directory)
    migrate(empty_database.owner, directory=directory, up_to=1)
    with pytest.raises(SchemaTooOld, match="at migration 001, this program needs 002"):
        check(empty_database.app, directory)
    migrate(empty_database.owner, directory=directory)
    check(empty_database.app, directory)
    (directory / "002_second.sql").unlink()
    check(empty_database.projector, directory)


def test_the_roles_have_exactly_the_powers_they_need(database: Urls) -> None:
    powers = "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles where rolname = current_user"
    assert run(database.app, powers) == [(False, False, False, False)]
    assert run(database.projector, powers) == [(False, True, False, False)]
    may_create = "select has_database_privilege(current_database(), 'create')"
    assert run(database.app, may_create) == [(False,)]
    assert run(database.projector, may_create) == [(True,)]
    assert database.finance is not None
    assert run(database.finance, powers) == [(False, True, False, False)]
    assert run(database.finance, may_create) == [(False,)]


@pytest.mark.parametrize("migration", migrations.available(), ids=lambda migration: migration.name)
def test_what_was_there_before_a_migration_is_right_after_it(
    empty_database: Urls, migration: migrations.Migration
) -> None:
    """`migrations/NNN_before.sql` fills the older schema, `NNN_after.sql` raises where the newer one is wrong."""
    migrate(empty_database.owner, up_to=migration.number - 1)
    before = _CASES / f"{migration.number:03}_before.sql"
    if before.exists():
        run(empty_database.owner, before.read_bytes())
    assert migrate(empty_database.owner, up_to=migration.number) == (f"{migration.number:03}_{migration.name}",)
    after = _CASES / f"{migration.number:03}_after.sql"
    assert after.exists(), f"{after} is missing: what must hold after the migration?"
    run(empty_database.owner, after.read_bytes())
