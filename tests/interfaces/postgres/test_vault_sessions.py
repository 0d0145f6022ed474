"""Refresh tokens, the lock after failed logins, and the signing key, against a real server; time is set by hand."""

import asyncio
from datetime import datetime, timedelta
from typing import Protocol

import jwt
import psycopg
import pytest

from application.ports import Clock, LoginLocked, SessionRefused, UnknownSubject
from domain.ids import SubjectId
from interfaces.postgres.configuration import Urls
from interfaces.postgres.connections import Pool
from interfaces.postgres.vault import PostgresVault
from interfaces.postgres.vault_crypto import VaultKeys
from interfaces.postgres.vault_sessions import PostgresSessions

pytestmark = pytest.mark.anyio

ANA, BOB = SubjectId("a" * 32), SubjectId("b" * 32)


class HandClock(Clock, Protocol):
    moment: datetime


@pytest.fixture(autouse=True)
async def people(vault: PostgresVault) -> None:
    for subject in (ANA, BOB):
        await vault.create_subject("acme", subject, stream=f"acme:user-{subject}", fields={})


@pytest.fixture
def sessions(source: Pool, keys: VaultKeys, clock: HandClock) -> PostgresSessions:
    return PostgresSessions(source, keys, clock)


async def refused(sessions: PostgresSessions, token: str) -> str:
    with pytest.raises(SessionRefused) as refusal:
        await sessions.rotate_session(token)
    return refusal.value.reason


async def test_a_token_buys_the_next_one(sessions: PostgresSessions, clock: HandClock) -> None:
    session = await sessions.open_session("acme", ANA)
    assert session.expires_at == clock.now() + timedelta(days=30)
    for _ in range(3):
        clock.moment += timedelta(hours=1)
        following = await sessions.rotate_session(session.token)
        assert following.token != session.token
        assert (following.tenant, following.subject, following.family) == ("acme", ANA, session.family)
        assert following.expires_at == session.expires_at
        session = following


async def test_a_token_used_again_ends_the_whole_session(sessions: PostgresSessions, clock: HandClock) -> None:
    first = await sessions.open_session("acme", ANA)
    other = await sessions.open_session("acme", ANA)
    second = await sessions.rotate_session(first.token)
    clock.moment += timedelta(seconds=21)
    assert await refused(sessions, first.token) == "reused"
    assert await refused(sessions, second.token) == "reused"
    assert (await sessions.rotate_session(other.token)).subject == ANA


async def test_a_lost_answer_is_given_again_within_seconds(sessions: PostgresSessions, clock: HandClock) -> None:
    first = await sessions.open_session("acme", ANA)
    second = await sessions.rotate_session(first.token)
    clock.moment += timedelta(seconds=20)
    assert await sessions.rotate_session(first.token) == second
    assert (await sessions.rotate_session(second.token)).token not in {first.token, second.token}


async def test_once_the_next_token_was_used_the_answer_was_not_lost(sessions: PostgresSessions) -> None:
    first = await sessions.open_session("acme", ANA)
    second = await sessions.rotate_session(first.token)
    third = await sessions.rotate_session(second.token)
    assert await refused(sessions, first.token) == "reused"
    assert await refused(sessions, third.token) == "reused"


async def test_one_token_sent_many_times_at_once_gives_one_next_token(sessions: PostgresSessions) -> None:
    session = await sessions.open_session("acme", ANA)
    following = await asyncio.gather(*(sessions.rotate_session(session.token) for _ in range(8)))
    assert len({answer.token for answer in following}) == 1
    assert (await sessions.rotate_session(following[0].token)).subject == ANA


async def test_a_session_ends_after_thirty_days_however_often_it_was_used(
    sessions: PostgresSessions, clock: HandClock
) -> None:
    session = await sessions.open_session("acme", ANA)
    clock.moment += timedelta(days=29)
    session = await sessions.rotate_session(session.token)
    clock.moment += timedelta(days=1)
    assert await refused(sessions, session.token) == "expired"


async def test_closing_ends_the_session_and_may_be_repeated(sessions: PostgresSessions) -> None:
    session = await sessions.open_session("acme", ANA)
    for _ in range(2):
        await sessions.close_session(session.token)
    assert await refused(sessions, session.token) == "closed"
    await sessions.close_session("no token at all")


async def test_closing_all_sessions_of_a_subject_leaves_the_others(sessions: PostgresSessions) -> None:
    anas = [await sessions.open_session("acme", ANA) for _ in range(2)]
    bobs = await sessions.open_session("acme", BOB)
    await sessions.close_sessions("acme", ANA)
    assert [await refused(sessions, session.token) for session in anas] == ["closed", "closed"]
    assert (await sessions.rotate_session(bobs.token)).subject == BOB


async def test_no_session_for_an_unknown_or_erased_subject(sessions: PostgresSessions, vault: PostgresVault) -> None:
    session = await sessions.open_session("acme", ANA)
    await vault.erase_subject("acme", ANA)
    assert await refused(sessions, session.token) == "unknown"
    for tenant, subject in (("acme", ANA), ("globex", BOB), ("acme", SubjectId("c" * 32))):
        with pytest.raises(UnknownSubject):
            await sessions.open_session(tenant, subject)


@pytest.mark.parametrize("forge", ["garbage", "tenant", "family", "secret", "longer"])
async def test_a_forged_token_buys_nothing(sessions: PostgresSessions, forge: str) -> None:
    tenant, family, secret = (await sessions.open_session("acme", ANA)).token.split(".")
    forged = {
        "garbage": "' or true --",
        "tenant": f"globex.{family}.{secret}",
        "family": f"{tenant}.{'0' * 32}.{secret}",
        "secret": f"{tenant}.{family}.{'A' * 43}",
        "longer": f"{tenant}.{family}.{secret}\n",
    }
    assert await refused(sessions, forged[forge]) == ("reused" if forge == "secret" else "unknown")


async def test_the_tables_hold_no_token(sessions: PostgresSessions, database: Urls) -> None:
    session = await sessions.open_session("acme", ANA)
    following = await sessions.rotate_session(session.token)
    with psycopg.connect(database.owner) as connection:
        rows = str(connection.execute("select * from vault.sessions").fetchall())
    assert session.family in rows
    assert session.token.rpartition(".")[2] not in rows
    assert following.token.rpartition(".")[2] not in rows
    assert session.token not in repr(session)


async def test_five_failures_in_fifteen_minutes_lock_the_pair_for_fifteen(
    sessions: PostgresSessions, clock: HandClock
) -> None:
    for _ in range(5):
        await sessions.admit_login("acme", "ana@example.com", "1.2.3.4")
        clock.moment += timedelta(minutes=2)
    until = clock.now() + timedelta(minutes=13)
    with pytest.raises(LoginLocked) as lock:
        await sessions.admit_login("acme", "ANA@example.com", "1.2.3.4")
    assert lock.value.until == until
    await sessions.admit_login("acme", "ana@example.com", "4.3.2.1")
    await sessions.admit_login("acme", "bob@example.com", "1.2.3.4")
    await sessions.admit_login("globex", "ana@example.com", "1.2.3.4")
    clock.moment = until
    await sessions.admit_login("acme", "ana@example.com", "1.2.3.4")


async def test_failures_further_apart_do_not_lock(sessions: PostgresSessions, clock: HandClock) -> None:
    for _ in range(20):
        await sessions.admit_login("acme", "ana@example.com", "1.2.3.4")
        clock.moment += timedelta(minutes=4)


async def test_a_success_forgives_the_failures_before_it(sessions: PostgresSessions) -> None:
    for _ in range(5):
        for _ in range(4):
            await sessions.admit_login("acme", "ana@example.com", "1.2.3.4")
        await sessions.forgive_logins("acme", "ana@example.com", "1.2.3.4")


async def test_attempts_at_once_cannot_pass_the_limit_together(sessions: PostgresSessions) -> None:
    attempts = (sessions.admit_login("acme", "ana@example.com", "1.2.3.4") for _ in range(20))
    answers = await asyncio.gather(*attempts, return_exceptions=True)
    assert answers.count(None) == 5
    assert sum(isinstance(answer, LoginLocked) for answer in answers) == 15


async def test_what_has_expired_is_swept(sessions: PostgresSessions, clock: HandClock) -> None:
    await sessions.open_session("acme", ANA)
    await sessions.admit_login("acme", "ana@example.com", "1.2.3.4")
    assert await sessions.sweep_sessions("acme") == 0
    clock.moment += timedelta(minutes=30)
    assert await sessions.sweep_sessions("acme") == 1
    clock.moment += timedelta(days=30)
    assert await sessions.sweep_sessions("acme") == 1


async def test_there_is_one_signing_key_and_it_is_long_enough(sessions: PostgresSessions) -> None:
    made = await asyncio.gather(*(sessions.token_key() for _ in range(4)))
    assert len({(key.id, key.secret) for key in made}) == 1
    assert len(made[0].secret) == 32
    assert made[0].secret.hex() not in repr(made[0])
    claims = {"sub": ANA}
    token = jwt.encode(claims, made[0].secret, algorithm="HS256")
    assert jwt.decode(token, made[0].secret, algorithms=["HS256"]) == claims
