"""Withdrawals from the command line: the queue, decisions, the file for the bank; and no large one."""

import asyncio
import csv
import io

import pytest

from application import streams
from domain.ids import DestinationId, SubjectId
from interfaces.clock import SystemClock
from interfaces.postgres.configuration import Urls
from interfaces.postgres.connections import pool
from interfaces.postgres.vault import open_vault
from interfaces.postgres.vault_crypto import VaultKeys
from interfaces.postgres.vault_destinations import PostgresDestinations
from tests.application.people import PEOPLE
from tests.application.withdrawing import destination_of, destined, requested
from tests.application.world import TENANT, an_id, committing, deposit
from tests.domain.ledger.entries import USER
from tests.interfaces.cli.command import Lastro
from tests.projections.house import a_house, projections_of

LARGE, SMALL = an_id("large"), an_id("small")
PARTICULARS = {"holder": "Ana Souza", "iban": "GB82WEST12345698765432"}


async def _prepare(database: Urls) -> None:
    """Append two requests and keep their destination, as the API does, and let the read models come so far."""
    clock, keys = SystemClock(), VaultKeys.derive(bytes(range(32)))
    async with pool(database.app, name="test-vault", size=2) as vaults:
        vault = await open_vault(vaults, keys, clock)
        await vault.create_subject(
            TENANT, SubjectId(USER), stream=streams.user(TENANT, USER), fields={"email": "a@b.c"}
        )
        id: DestinationId = destination_of("USD").destination
        await PostgresDestinations(vaults, keys, clock).put_destination(
            TENANT, id, owner=SubjectId(USER), stream=streams.destination(TENANT, id), particulars=PARTICULARS
        )
    requests = (requested("small", "50.00"), requested("large", "600.00"))
    async with committing(database) as committer:
        for command in (*PEOPLE, deposit("d", "1000.00"), destined(), *requests):
            (await committer.submit(command)).accepted()
    await _caught_up(database)


async def _caught_up(database: Urls) -> None:
    async with a_house(database) as house, projections_of(database):
        await house.caught_up()


@pytest.fixture
def prepared(migrated: Lastro, database: Urls) -> Lastro:
    asyncio.run(_prepare(database))
    return migrated


def on(words: str, id: str, *more: str) -> tuple[str, ...]:
    return ("withdrawals", words, id, "--tenant", TENANT, *more, "--json")


def test_an_operator_lists_approves_writes_the_file_and_records_the_payment(prepared: Lastro, database: Urls) -> None:
    listed = prepared("withdrawals", "list", "--tenant", TENANT, "--json").succeeded().answer["items"]
    assert [(one["id"], one["needs_second_person"]) for one in listed] == [(SMALL, False), (LARGE, True)]
    assert prepared(*on("approve", SMALL)).succeeded().answer == {"id": SMALL, "status": "approved"}
    asyncio.run(_caught_up(database))
    file = prepared("withdrawals", "file", "--tenant", TENANT, "--asset", "USD").succeeded()
    line, control = csv.DictReader(io.StringIO(file.said))
    assert (line["reference"], line["holder"], line["amount"]) == (SMALL, "Ana Souza", "48.00")
    assert (control["rail"], control["amount"]) == ("1", "48.00")
    assert "1 payments, 48.00 USD" in file.errors
    id = file.errors.rpartition("-")[2].removesuffix(".csv\n")
    again = prepared("withdrawals", "file", "--tenant", TENANT, "--again", id).succeeded()
    assert again.said == file.said
    nothing = prepared("withdrawals", "file", "--tenant", TENANT, "--asset", "USD")
    assert (nothing.status, nothing.said) == (2, "")
    paid = prepared(*on("paid", SMALL, "--bank", "main", "--reference", "B 17"))
    assert paid.succeeded().answer["status"] == "paid"
    back = prepared(*on("returned", SMALL, "--reason", "account closed", "--charge", "1.00"))
    assert back.succeeded().answer["status"] == "returned"


def test_what_takes_two_people_is_not_approved_at_the_command_line(prepared: Lastro) -> None:
    refused = prepared(*on("approve", LARGE))
    assert (refused.status, refused.said) == (2, "")
    assert "two people" in refused.errors
    rejected = prepared(*on("reject", LARGE, "--reason", "unclear"))
    assert rejected.succeeded().answer["status"] == "rejected"


def test_what_is_unknown_or_out_of_order_is_said_in_a_sentence(prepared: Lastro) -> None:
    unknown = prepared(*on("approve", "0" * 32))
    assert (unknown.status, unknown.errors) == (2, "lastro: There is no such withdrawal.\n")
    early = prepared(*on("failed", SMALL, "--reason", "closed"))
    assert (early.status, early.errors) == (2, "lastro: The withdrawal's status does not allow this.\n")
