"""What proves API keys is sealed with its owner's key, kept once, forgotten with the person, and swept when unused."""

from datetime import timedelta

import psycopg
import pytest
from psycopg import errors

from application.ports import Credential, UnknownSubject
from domain.ids import ApiKeyId, SubjectId
from interfaces.postgres.configuration import Urls
from interfaces.postgres.connections import Pool, writing
from interfaces.postgres.vault import PostgresVault
from interfaces.postgres.vault_api_keys import PostgresApiKeys
from interfaces.postgres.vault_crypto import SealBroken, VaultKeys
from tests.interfaces.postgres.test_vault import ANA, BOB, HandClock, create, everything

pytestmark = pytest.mark.anyio

BOT, FEED = ApiKeyId("d" * 32), ApiKeyId("e" * 32)
SECRET = Credential(name="pricing bot", addresses=("203.0.113.7/32",), proof=b"a planted secret of a key")


@pytest.fixture(autouse=True)
async def _people(vault: PostgresVault) -> None:
    await create(vault, ANA, "ana@example.com")
    await create(vault, BOB, "bob@example.com")


@pytest.fixture
def api_keys(source: Pool, keys: VaultKeys, clock: HandClock) -> PostgresApiKeys:
    return PostgresApiKeys(source, keys, clock)


async def put(
    api_keys: PostgresApiKeys, key: ApiKeyId, credential: Credential = SECRET, *, owner: SubjectId = ANA
) -> bool:
    stream = f"acme:api_key-{key}"
    return await api_keys.put_credential("acme", key, owner=owner, stream=stream, credential=credential)


async def test_what_was_put_comes_back_and_nothing_of_it_stands_in_the_clear(
    api_keys: PostgresApiKeys, database: Urls
) -> None:
    assert await put(api_keys, BOT)
    kept = await api_keys.get_credentials("acme", [BOT, FEED])
    assert list(kept) == [BOT]
    assert (kept[BOT].credential, kept[BOT].last_used_at) == (SECRET, None)
    stored = everything(database)
    for text in (SECRET.proof, b"pricing bot", b"203.0.113.7", b"YSBwbGFudGVk"):
        assert text not in stored
    assert "planted" not in repr(kept)


async def test_a_repetition_says_so_and_leaves_what_the_first_said(api_keys: PostgresApiKeys) -> None:
    assert await put(api_keys, BOT)
    assert not await put(api_keys, BOT, Credential(name="another", addresses=(), proof=b"another secret"))
    assert (await api_keys.get_credentials("acme", [BOT]))[BOT].credential == SECRET


async def test_no_credential_is_kept_for_nobody(api_keys: PostgresApiKeys) -> None:
    with pytest.raises(UnknownSubject):
        await put(api_keys, BOT, owner=SubjectId("f" * 32))


async def test_another_tenant_sees_none(api_keys: PostgresApiKeys) -> None:
    await put(api_keys, BOT)
    assert await api_keys.get_credentials("globex", [BOT]) == {}


async def test_keys_end_with_the_person(api_keys: PostgresApiKeys, vault: PostgresVault) -> None:
    await put(api_keys, BOT)
    await vault.erase_subject("acme", ANA)
    assert await api_keys.get_credentials("acme", [BOT]) == {}
    with pytest.raises(UnknownSubject):
        await put(api_keys, FEED)


async def test_what_is_moved_to_another_key_cannot_be_opened(api_keys: PostgresApiKeys, source: Pool) -> None:
    await put(api_keys, BOT)
    await put(api_keys, FEED, Credential(name="feed", addresses=(), proof=b"the feed's"))
    swap = "update vault.api_keys set sealed = (select sealed from vault.api_keys where key = %s)"
    async with writing(source, "acme") as connection:
        await connection.execute(f"{swap} where key = %s", [FEED, BOT])
    with pytest.raises(SealBroken):
        await api_keys.get_credentials("acme", [BOT])


async def test_the_last_use_only_goes_forward(api_keys: PostgresApiKeys, clock: HandClock) -> None:
    await put(api_keys, BOT)
    await api_keys.note_use("acme", BOT, clock.moment)
    await api_keys.note_use("acme", BOT, clock.moment - timedelta(minutes=1))
    assert (await api_keys.get_credentials("acme", [BOT]))[BOT].last_used_at == clock.moment


async def test_what_nobody_made_is_swept_after_an_hour_and_what_somebody_made_is_not(
    api_keys: PostgresApiKeys, clock: HandClock, database: Urls
) -> None:
    await put(api_keys, BOT)
    await put(api_keys, FEED)
    with psycopg.connect(database.owner) as connection:
        connection.execute(
            "insert into log.events values (%s, 1, 'api_key.created.v1', '{}', 1, gen_random_uuid(), 'acme', 'test',"
            " gen_random_uuid(), gen_random_uuid(), null, 1, 1, 1, now())",
            [f"acme:api_key-{BOT}"],
        )
    assert await api_keys.sweep_credentials("acme") == 0
    clock.moment += timedelta(hours=1, seconds=1)
    assert await api_keys.sweep_credentials("acme") == 1
    assert set(await api_keys.get_credentials("acme", [BOT, FEED])) == {BOT}


async def test_the_projector_cannot_look_at_them(database: Urls) -> None:
    with psycopg.connect(database.projector) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute("select * from vault.api_keys")
