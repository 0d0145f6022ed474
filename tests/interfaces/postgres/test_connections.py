"""Transactions of one tenant, against a real server."""

import psycopg
import pytest
from psycopg import errors

from application.calls import Call
from interfaces.postgres.configuration import Urls
from interfaces.postgres.connections import connect, pool, reading, reading_once, writing

pytestmark = pytest.mark.anyio

_TABLE = """
create table notes (tenant text, body text);
insert into notes values ('acme', 'ours'), ('globex', 'theirs');
alter table notes enable row level security;
alter table notes force row level security;
create policy of_tenant on notes using (tenant = nullif(current_setting('app.tenant', true), ''));
grant select, insert on notes to lastro_app;
"""
_END_ALL_OF_THE_APP = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
where usename = 'lastro_app' and datname = current_database()
"""


@pytest.fixture
def notes(empty_database: Urls) -> Urls:
    with psycopg.connect(empty_database.owner, autocommit=True) as connection:
        connection.execute(_TABLE)
    return empty_database


async def test_reading_shows_the_rows_of_its_tenant_only(notes: Urls) -> None:
    async with pool(notes.app, name="test", size=1) as source:
        for tenant, body in (("acme", "ours"), ("globex", "theirs")):
            async with reading(source, tenant) as connection:
                assert await (await connection.execute("select body from notes")).fetchall() == [(body,)]


NOTES = Call("notes", "select body, $1::text from notes where $1::text is null or body <> $1::text")
NEW = Call("new", "insert into notes values ('acme', $1) returning body")


async def test_a_call_by_itself_shows_the_rows_of_its_tenant_only(notes: Urls) -> None:
    async with pool(notes.app, name="test", size=1) as source:
        for tenant, body in (("acme", "ours"), ("globex", "theirs"), ("acme'; select 'globex", None)):
            found = await reading_once(source, tenant)(NOTES, [None])
            assert found == ([] if body is None else [[body, ""]])
        async with source.connection() as connection:
            assert await (await connection.execute("select body from notes")).fetchall() == []


@pytest.mark.parametrize("text", ["it's", "a \\ b", '"', "$1", "'; drop table notes; --", "ü € 𝄞", ""])
async def test_a_call_by_itself_takes_any_text(text: str, notes: Urls) -> None:
    async with pool(notes.app, name="test", size=1) as source:
        assert await reading_once(source, "acme")(NOTES, [text]) == [["ours", text]]


async def test_a_call_by_itself_cannot_write_and_leaves_nothing_behind(notes: Urls) -> None:
    async with pool(notes.app, name="test", size=1) as source:
        with pytest.raises(errors.ReadOnlySqlTransaction):
            await reading_once(source, "acme")(NEW, ["new"])
        assert await reading_once(source, "acme")(NOTES, [None]) == [["ours", ""]]
        async with writing(source, "acme") as connection:
            assert await NEW.rows(connection, ["new"]) == [["new"]]
        async with source.connection() as connection:
            await connection.execute("deallocate all")
        assert await reading_once(source, "acme")(NOTES, [None]) == [["ours", ""], ["new", ""]]


async def test_no_tenant_outlives_its_transaction(notes: Urls) -> None:
    async with pool(notes.app, name="test", size=1) as source:
        async with reading(source, "acme"):
            pass
        async with source.connection() as connection:
            assert await (await connection.execute("select body from notes")).fetchall() == []


async def test_a_tenants_name_is_quoted(notes: Urls) -> None:
    async with pool(notes.app, name="test", size=1) as source, reading(source, "acme'; select 'globex") as connection:
        assert await (await connection.execute("select body from notes")).fetchall() == []


async def test_reading_keeps_one_snapshot(notes: Urls) -> None:
    async with pool(notes.app, name="test", size=2) as source, reading(source, "acme") as reader:
        before = await (await reader.execute("select count(*) from notes")).fetchone()
        async with writing(source, "acme") as writer:
            await writer.execute("insert into notes values ('acme', 'new')")
        assert await (await reader.execute("select count(*) from notes")).fetchone() == before == (1,)


async def test_reading_refuses_to_write(notes: Urls) -> None:
    async with pool(notes.app, name="test", size=1) as source:
        with pytest.raises(errors.ReadOnlySqlTransaction):
            async with reading(source, "acme") as connection:
                await connection.execute("insert into notes values ('acme', 'new')")
        async with reading(source, "acme") as connection:
            assert await (await connection.execute("select count(*) from notes")).fetchone() == (1,)


async def test_writing_keeps_nothing_of_a_block_that_raises(notes: Urls) -> None:
    async with pool(notes.app, name="test", size=1) as source:
        with pytest.raises(errors.DivisionByZero):
            async with writing(source, "acme") as connection:
                await connection.execute("insert into notes values ('acme', 'new'); select 1 / 0")
        async with reading(source, "acme") as connection:
            assert await (await connection.execute("select count(*) from notes")).fetchone() == (1,)


async def test_an_undone_transaction_keeps_what_calls_have_prepared(notes: Urls) -> None:
    """psycopg would give it up with the statements that it has prepared itself, and the next call would fail."""
    bodies = Call("bodies", "SELECT body FROM notes")
    async with pool(notes.app, name="test", size=1) as source:

        async def fail() -> None:
            async with reading(source, "acme") as connection:
                assert await bodies.rows(connection, []) == [["ours"]]
                await connection.execute("select body from notes", prepare=True)
                raise ZeroDivisionError

        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                await fail()


async def test_connections_that_a_restart_has_broken_are_replaced_unseen(notes: Urls) -> None:
    async with pool(notes.app, name="test", size=3) as source:
        async with reading(source, "acme"), reading(source, "acme"), reading(source, "acme"):
            pass
        with psycopg.connect(notes.owner, autocommit=True) as owner:
            owner.execute(_END_ALL_OF_THE_APP)
        for _ in range(6):
            async with reading(source, "acme") as connection:
                assert await (await connection.execute("select body from notes")).fetchall() == [("ours",)]


async def test_connections_say_who_they_are_and_notice_a_vanished_peer(empty_database: Urls) -> None:
    connection = await connect(empty_database.app, name="lastro-test")
    async with connection:
        assert await (await connection.execute("show application_name")).fetchone() == ("lastro-test",)
        settings = connection.info.get_parameters()
    assert (settings["keepalives_idle"], settings["keepalives_interval"], settings["keepalives_count"]) == (
        "5",
        "2",
        "3",
    )
