"""The sweeper forgets what nobody needs, in every tenant, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from application.committer import Committer
from application.ports import Credential
from application.tenants import create_tenant
from domain.ids import ApiKeyId, DestinationId, SubjectId
from domain.tenants import CreateTenant
from interfaces.postgres.configuration import Urls
from interfaces.postgres.connections import pool
from interfaces.postgres.vault import open_vault
from interfaces.postgres.vault_api_keys import PostgresApiKeys
from interfaces.postgres.vault_crypto import VaultKeys
from interfaces.postgres.vault_destinations import PostgresDestinations
from interfaces.postgres.vault_sessions import PostgresSessions
from interfaces.sweeping import Sweeper
from tests.application.people import PEOPLE
from tests.application.world import TENANT, an_id, committing, envelope
from tests.domain.ledger.entries import USER

pytestmark = pytest.mark.anyio


class SetClock:
    moment = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


async def _tenants(committer: Committer) -> None:
    other = create_tenant(envelope("other", tenant="system"), CreateTenant(name="other"))
    for command in (*PEOPLE, other):
        (await committer.submit(command)).accepted()


async def test_orphans_of_every_tenant_are_swept_after_an_hour_and_nobody_else_is(database: Urls) -> None:
    clock, keys = SetClock(), VaultKeys.derive(bytes(32))
    async with committing(database) as committer:
        await _tenants(committer)
    async with pool(database.app, name="test", size=2) as source:
        vault, destinations = await open_vault(source, keys, clock), PostgresDestinations(source, keys, clock)
        api_keys = PostgresApiKeys(source, keys, clock)
        sessions = PostgresSessions(source, keys, clock)
        for tenant, subject in ((TENANT, USER), (TENANT, an_id("orphan")), ("other", an_id("orphan"))):
            await vault.create_subject(
                tenant,
                SubjectId(subject),
                stream=f"{tenant}:user-{subject}",
                fields={"email": f"{subject}@example.org"},
            )
        lost = DestinationId(an_id("lost"))
        await destinations.put_destination(
            TENANT, lost, owner=SubjectId(USER), stream=f"{TENANT}:destination-{lost}", particulars={"key": "x"}
        )
        unused = ApiKeyId(an_id("unused"))
        await api_keys.put_credential(
            TENANT, unused, owner=SubjectId(USER), stream=f"{TENANT}:api_key-{unused}",
            credential=Credential(name="bot", addresses=(), proof=b"x"),
        )  # fmt: skip
        await sessions.open_session(TENANT, SubjectId(USER))
        sweeper = Sweeper(pool=source, vault=vault, destinations=destinations, api_keys=api_keys, sessions=sessions)
        assert await sweeper.sweep() == 0
        clock.moment += timedelta(hours=1, seconds=1)
        assert await sweeper.sweep() == 4
        assert await api_keys.get_credentials(TENANT, [unused]) == {}
        assert await destinations.get_destinations(TENANT, [lost]) == {}
        left = await vault.get_fields(TENANT, "email", [SubjectId(USER), SubjectId(an_id("orphan"))])
        assert set(left) == {SubjectId(USER)}
        clock.moment += timedelta(days=31)
        assert await sweeper.sweep() == 1
        assert await sweeper.sweep() == 0
