"""The worker role that forgets what the vault keeps for nobody.

That is people, destinations and API keys whose append never came, and sessions that are over. What is an orphan, and
since when, is the vault's own rule.
"""

import asyncio
from dataclasses import dataclass

import structlog

from application.ports import ApiKeys, Destinations, Sessions, Vault
from application.streams import SYSTEM
from interfaces.postgres.connections import Pool, reading

log = structlog.get_logger()

EVERY_S = 3_600.0

_TENANTS = """
select substr(originator_id, length('system:tenant-') + 1) from log.events
where starts_with(originator_id, 'system:tenant-') and originator_version = 1 order by 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeper:
    """Sweeps every tenant's part of the vault, now and once an hour."""

    pool: Pool
    vault: Vault
    destinations: Destinations
    api_keys: ApiKeys
    sessions: Sessions

    async def run(self) -> None:
        """Sweep for ever."""
        while True:
            await self.sweep()
            await asyncio.sleep(EVERY_S)

    async def sweep(self) -> int:
        """Sweep once; return how many rows were forgotten."""
        swept = 0
        for tenant in await self._tenants():
            swept += await self.destinations.sweep_destinations(tenant)
            swept += await self.api_keys.sweep_credentials(tenant)
            swept += await self.vault.sweep_subjects(tenant)
            swept += await self.sessions.sweep_sessions(tenant)
        if swept:
            log.info("vault.swept", rows=swept)
        return swept

    async def _tenants(self) -> list[str]:
        async with reading(self.pool, SYSTEM) as connection:
            return [tenant for (tenant,) in await (await connection.execute(_TENANTS)).fetchall()]
