"""Messages of providers are sealed and kept as they first came; nobody changes one or takes it away."""

import asyncio
from dataclasses import replace

import psycopg
import pytest
from psycopg import errors

from application.ports import ProviderEvent
from domain.payments import ObjectKind
from interfaces.postgres.configuration import Urls
from interfaces.postgres.connections import Pool
from interfaces.postgres.vault_crypto import SealBroken, VaultKeys
from interfaces.postgres.vault_inbox import PostgresInbox
from tests.interfaces.postgres.test_vault import HandClock

pytestmark = pytest.mark.anyio

EVENT = ProviderEvent(provider="stripe", id="evt_1", kind=ObjectKind.PAYMENT, object="pi_1")
BODY = b'{"id": "evt_1", "receipt_email": "ana@example.com"}'


@pytest.fixture
def inbox(source: Pool, keys: VaultKeys, clock: HandClock) -> PostgresInbox:
    return PostgresInbox(source, keys, clock)


async def test_a_message_is_kept_as_it_first_came(inbox: PostgresInbox) -> None:
    await inbox.put_message(EVENT, BODY)
    await inbox.put_message(EVENT, b"another body under the same id")
    assert await inbox.get_message("stripe", "evt_1") == BODY
    assert await inbox.get_message("sandbox", "evt_1") is None


async def test_messages_that_come_at_once_are_written_together_and_each_is_kept_as_it_first_came(
    inbox: PostgresInbox, database: Urls
) -> None:
    events = [replace(EVENT, id=f"evt_{number % 40}") for number in range(80)]
    await asyncio.gather(*(inbox.put_message(event, b"%d" % number) for number, event in enumerate(events)))
    for number in range(40):
        assert await inbox.get_message("stripe", f"evt_{number}") == b"%d" % number
    with psycopg.connect(database.owner, autocommit=True) as owner:
        assert owner.execute("SELECT count(*), count(DISTINCT xmin::text) FROM vault.inbox").fetchone() == (40, 1)


async def test_what_could_not_be_written_is_told_to_everybody_and_kept_when_it_comes_again(
    inbox: PostgresInbox, database: Urls
) -> None:
    events = [replace(EVENT, id=f"evt_{number}") for number in range(8)]
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute("REVOKE INSERT ON vault.inbox FROM lastro_app")
        told = await asyncio.gather(*(inbox.put_message(one, BODY) for one in events), return_exceptions=True)
        assert [type(one) for one in told] == [errors.InsufficientPrivilege] * len(events)
        owner.execute("GRANT INSERT ON vault.inbox TO lastro_app")
    await asyncio.gather(*(inbox.put_message(one, BODY) for one in events))
    assert await inbox.get_message("stripe", "evt_7") == BODY


async def test_a_body_is_read_with_the_key_and_in_its_place_only(
    *, inbox: PostgresInbox, source: Pool, clock: HandClock, database: Urls
) -> None:
    await inbox.put_message(EVENT, BODY)
    with psycopg.connect(database.owner, autocommit=True) as owner:
        ((sealed,),) = owner.execute("SELECT sealed FROM vault.inbox").fetchall()
        owner.execute("UPDATE vault.inbox SET event = 'evt_2'")
    assert b"ana@example.com" not in sealed
    with pytest.raises(SealBroken):
        await inbox.get_message("stripe", "evt_2")
    stranger = PostgresInbox(source, VaultKeys.derive(b"another master key of 32 bytes.."), clock)
    with pytest.raises(SealBroken):
        await stranger.get_message("stripe", "evt_2")


async def test_the_application_neither_changes_nor_deletes_messages(inbox: PostgresInbox, database: Urls) -> None:
    await inbox.put_message(EVENT, BODY)
    with psycopg.connect(database.app, autocommit=True) as app:
        for act in ("UPDATE vault.inbox SET sealed = ''", "DELETE FROM vault.inbox"):
            with pytest.raises(errors.InsufficientPrivilege):
                app.execute(act.encode())
