"""Destinations are sealed with their owner's key, kept once, forgotten with the person, and swept when never added."""

from datetime import timedelta

import psycopg
import pytest
from psycopg import errors

from application.ports import UnknownSubject
from domain.ids import DestinationId
from interfaces.postgres.configuration import Urls
from interfaces.postgres.connections import Pool, writing
from interfaces.postgres.vault import PostgresVault
from interfaces.postgres.vault_crypto import SealBroken, VaultKeys
from interfaces.postgres.vault_destinations import PostgresDestinations
from tests.interfaces.postgres.test_vault import ANA, BOB, HandClock, create, everything

pytestmark = pytest.mark.anyio

IBAN, PIX = DestinationId("d" * 32), DestinationId("e" * 32)
PARTICULARS = {"holder": "Ana Souza", "iban": "GB82WEST12345698765432"}


@pytest.fixture(autouse=True)
async def _people(vault: PostgresVault) -> None:
    await create(vault, ANA, "ana@example.com")
    await create(vault, BOB, "bob@example.com")


@pytest.fixture
def destinations(source: Pool, keys: VaultKeys, clock: HandClock) -> PostgresDestinations:
    return PostgresDestinations(source, keys, clock)


async def put(destinations: PostgresDestinations, id: DestinationId, **particulars: str) -> None:
    await destinations.put_destination(
        "acme", id, owner=ANA, stream=f"acme:destination-{id}", particulars=particulars or PARTICULARS
    )


async def test_what_was_put_comes_back_and_nothing_of_it_stands_in_the_clear(
    destinations: PostgresDestinations, database: Urls
) -> None:
    await put(destinations, IBAN)
    assert await destinations.get_destinations("acme", [IBAN, PIX]) == {IBAN: PARTICULARS}
    stored = everything(database)
    assert not any(text.encode() in stored for text in PARTICULARS.values())


async def test_a_repetition_leaves_what_the_first_said(destinations: PostgresDestinations) -> None:
    await put(destinations, IBAN)
    await put(destinations, IBAN, holder="Somebody else")
    assert (await destinations.get_destinations("acme", [IBAN]))[IBAN] == PARTICULARS


async def test_no_destination_is_kept_for_nobody(destinations: PostgresDestinations) -> None:
    with pytest.raises(UnknownSubject):
        await destinations.put_destination(
            "acme", IBAN, owner=type(ANA)("f" * 32), stream=f"acme:destination-{IBAN}", particulars=PARTICULARS
        )


async def test_another_tenant_sees_none(destinations: PostgresDestinations) -> None:
    await put(destinations, IBAN)
    assert await destinations.get_destinations("globex", [IBAN]) == {}


async def test_destinations_go_with_the_person(destinations: PostgresDestinations, vault: PostgresVault) -> None:
    await put(destinations, IBAN)
    await vault.erase_subject("acme", ANA)
    assert await destinations.get_destinations("acme", [IBAN]) == {}
    with pytest.raises(UnknownSubject):
        await put(destinations, PIX)


async def test_what_is_moved_to_another_destination_cannot_be_opened(
    destinations: PostgresDestinations, source: Pool
) -> None:
    await put(destinations, IBAN)
    await put(destinations, PIX, key="ana@example.com")
    swap = "update vault.destinations set sealed = (select sealed from vault.destinations where destination = %s)"
    async with writing(source, "acme") as connection:
        await connection.execute(f"{swap} where destination = %s", [PIX, IBAN])
    with pytest.raises(SealBroken):
        await destinations.get_destinations("acme", [IBAN])


async def test_what_nobody_added_is_swept_after_an_hour_and_what_somebody_added_is_not(
    destinations: PostgresDestinations, clock: HandClock, database: Urls
) -> None:
    await put(destinations, IBAN)
    await put(destinations, PIX)
    with psycopg.connect(database.owner) as connection:
        connection.execute(
            "insert into log.events values (%s, 1, 'destination.added.v1', '{}', 1, gen_random_uuid(), 'acme', 'test',"
            " gen_random_uuid(), gen_random_uuid(), null, 1, 1, 1, now())",
            [f"acme:destination-{IBAN}"],
        )
    assert await destinations.sweep_destinations("acme") == 0
    clock.moment += timedelta(hours=1, seconds=1)
    assert await destinations.sweep_destinations("acme") == 1
    assert set(await destinations.get_destinations("acme", [IBAN, PIX])) == {IBAN}


async def test_the_projector_cannot_look_at_them(database: Urls) -> None:
    with psycopg.connect(database.projector) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute("select * from vault.destinations")
