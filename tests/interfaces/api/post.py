"""The messages to people, as an operator reads them in the outbox."""

from interfaces.clock import SystemClock
from interfaces.postgres.connections import pool
from interfaces.postgres.vault_crypto import VaultKeys
from interfaces.postgres.vault_people import Posted, PostgresOutbox
from tests.interfaces.api.installation import House
from tests.interfaces.api.office import MASTER_KEY


def messages(house: House) -> list[Posted]:
    """Return the tenant's messages, newest first."""

    async def read() -> list[Posted]:
        async with pool(house.installation.urls.app, name="outbox", size=1) as source:
            outbox = PostgresOutbox(source, VaultKeys.derive(MASTER_KEY), SystemClock())
            return await outbox.list_messages(house.tenant, limit=10)

    return house.installation.office.run(read())


def kinds(house: House) -> list[str]:
    """Return what the tenant's people were told, newest first."""
    return [one.message.kind for one in messages(house)]
