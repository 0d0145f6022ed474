"""Subjects of the vault, as the app role, against a real server."""

from datetime import datetime, timedelta
from typing import Protocol

import psycopg
import pytest
from psycopg import errors, sql

from application.ports import Clock, UnknownSubject
from domain.ids import SubjectId
from interfaces.postgres.configuration import Urls
from interfaces.postgres.connections import Pool, writing
from interfaces.postgres.vault import PostgresVault, open_vault
from interfaces.postgres.vault_crypto import SealBroken, VaultKeys, VaultUnusable

pytestmark = pytest.mark.anyio

ANA, BOB = SubjectId("a" * 32), SubjectId("b" * 32)


class HandClock(Clock, Protocol):
    moment: datetime


async def create(vault: PostgresVault, subject: SubjectId, email: str) -> bool:
    return await vault.create_subject(
        "acme",
        subject,
        stream=f"acme:user-{subject}",
        fields={"email": email, "name": "Someone"},
        password_hash=f"hash of {subject}",
    )


def register(database: Urls, subject: SubjectId) -> None:
    """Make the subject's stream, as the append of its registration would."""
    with psycopg.connect(database.owner) as connection:
        connection.execute(
            "insert into log.events values (%s, 1, 'user.registered.v1', '{}', (select count(*) + 1 from log.events),"
            " gen_random_uuid(), %s, 'test', gen_random_uuid(), gen_random_uuid(), null, 1, 1, 1, now())",
            [f"acme:user-{subject}", "acme"],
        )


def everything(database: Urls) -> bytes:
    """All that the vault's tables hold, as a dump would show it."""
    with psycopg.connect(database.owner) as connection, connection.cursor() as cursor:
        tables = connection.execute("select tablename from pg_tables where schemaname = 'vault'").fetchall()
        content: list[bytes] = []
        for (table,) in tables:
            statement = sql.SQL("copy vault.{} to stdout (format binary)").format(sql.Identifier(table))
            with cursor.copy(statement) as copy:
                content.extend(bytes(block) for block in copy)
    return b"".join(content)


async def test_what_was_put_comes_back(vault: PostgresVault) -> None:
    assert await create(vault, ANA, "ana@example.com")
    assert await create(vault, BOB, "bob@example.com")
    assert await vault.get_fields("acme", "email", [ANA, BOB]) == {ANA: "ana@example.com", BOB: "bob@example.com"}
    assert await vault.get_fields("acme", "name", [ANA, SubjectId("c" * 32)]) == {ANA: "Someone"}
    assert await vault.get_fields("acme", "telephone", [ANA]) == {}
    assert await vault.get_password_hash("acme", ANA) == f"hash of {ANA}"


async def test_nothing_personal_stands_in_the_tables(vault: PostgresVault, database: Urls) -> None:
    await create(vault, ANA, "ana@example.com")
    dump = everything(database)
    assert ANA.encode() in dump
    assert not [secret for secret in (b"ana@", b"example", b"Someone", b"hash of") if secret in dump]


async def test_a_subject_is_created_once_and_never_overwritten(vault: PostgresVault) -> None:
    assert await create(vault, ANA, "ana@example.com")
    assert not await create(vault, ANA, "thief@example.com")
    assert await vault.get_fields("acme", "email", [ANA]) == {ANA: "ana@example.com"}


async def test_a_field_and_a_password_can_be_replaced(vault: PostgresVault, database: Urls) -> None:
    await create(vault, ANA, "ana@example.com")
    register(database, ANA)
    for version in range(3):
        await vault.put_field("acme", ANA, field="email", value=f"ana{version}@example.com")
        await vault.set_password_hash("acme", ANA, f"hash {version}")
    assert await vault.get_fields("acme", "email", [ANA]) == {ANA: "ana2@example.com"}
    assert await vault.get_password_hash("acme", ANA) == "hash 2"
    assert await vault.find_subject_by_email("acme", "ana2@example.com") == ANA
    assert await vault.find_subject_by_email("acme", "ana@example.com") is None


async def test_an_erased_subject_is_unreadable_and_stays_erased(vault: PostgresVault, database: Urls) -> None:
    await create(vault, ANA, "ana@example.com")
    register(database, ANA)
    for _ in range(2):
        await vault.erase_subject("acme", ANA)
    assert await vault.get_fields("acme", "email", [ANA]) == {}
    assert await vault.get_password_hash("acme", ANA) is None
    assert await vault.find_subject_by_email("acme", "ana@example.com") is None
    assert not await create(vault, ANA, "ana@example.com")
    with pytest.raises(UnknownSubject):
        await vault.put_field("acme", ANA, field="name", value="Ana")
    with pytest.raises(UnknownSubject):
        await vault.set_password_hash("acme", ANA, "hash")


async def test_a_row_moved_to_another_subject_or_field_cannot_be_opened(vault: PostgresVault, database: Urls) -> None:
    await create(vault, ANA, "ana@example.com")
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute("update vault.records set name = 'other' where name = 'name'")
        connection.execute("update vault.records set name = 'name' where name = 'email'")
    with pytest.raises(SealBroken):
        await vault.get_fields("acme", "name", [ANA])


async def test_an_altered_row_cannot_be_opened(vault: PostgresVault, database: Urls) -> None:
    await create(vault, ANA, "ana@example.com")
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute("update vault.records set sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)")
    with pytest.raises(SealBroken):
        await vault.get_fields("acme", "email", [ANA])


async def test_an_address_finds_only_the_subject_whose_registration_was_appended(
    vault: PostgresVault, database: Urls
) -> None:
    await create(vault, ANA, "same@example.com")
    await create(vault, BOB, "same@example.com")
    assert await vault.find_subject_by_email("acme", "same@example.com") is None
    register(database, BOB)
    assert await vault.find_subject_by_email("acme", "SAME@example.com") == BOB


async def test_tenants_do_not_see_each_other(vault: PostgresVault, source: Pool, database: Urls) -> None:
    await create(vault, ANA, "ana@example.com")
    register(database, ANA)
    assert await vault.get_fields("globex", "email", [ANA]) == {}
    assert await vault.find_subject_by_email("globex", "ana@example.com") is None
    async with writing(source, "globex") as connection:
        for table in ("subjects", "records", "credentials", "sessions", "login_attempts"):
            cursor = await connection.execute(sql.SQL("select * from vault.{}").format(sql.Identifier(table)))
            assert await cursor.fetchall() == []
    with pytest.raises(errors.InsufficientPrivilege):
        async with writing(source, "globex") as connection:
            await connection.execute(
                "insert into vault.login_attempts values ('acme', 'pair', '{}', null, now())",
            )


async def test_orphans_are_swept_an_hour_after_the_last_attempt(
    vault: PostgresVault, clock: HandClock, database: Urls
) -> None:
    await create(vault, ANA, "ana@example.com")
    await create(vault, BOB, "bob@example.com")
    register(database, BOB)
    clock.moment += timedelta(minutes=50)
    assert not await create(vault, ANA, "ana@example.com")
    clock.moment += timedelta(minutes=50)
    assert await vault.sweep_subjects("acme") == 0
    clock.moment += timedelta(minutes=50)
    assert await vault.sweep_subjects("acme") == 1
    assert await vault.get_fields("acme", "email", [ANA, BOB]) == {BOB: "bob@example.com"}
    assert await create(vault, ANA, "ana@example.com")


async def test_another_master_key_is_refused(source: Pool, keys: VaultKeys, clock: HandClock) -> None:
    for _ in range(2):
        await open_vault(source, keys, clock)
    with pytest.raises(VaultUnusable, match="another master key"):
        await open_vault(source, VaultKeys.derive(bytes([1] * 32)), clock)


async def test_the_projector_cannot_look_into_the_vault(vault: PostgresVault, database: Urls) -> None:
    await create(vault, ANA, "ana@example.com")
    with psycopg.connect(database.projector) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute("select * from vault.subjects")
