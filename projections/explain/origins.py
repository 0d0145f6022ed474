"""Where an event comes from: the command that made it, by its receipt, and the chain of what caused that.

A cause may lie in tenant `system` (a provider's message, the end of a day). Of those only the envelope is seen.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from application.store import Connection
from projections.reading import fetch

DEEPEST = 32
"""Causes that are followed at most; a chain is a few events long."""

_CHAINS = f"""
    WITH RECURSIVE chain AS (
        SELECT c.*, c.log_position AS leads_to, 0 AS depth FROM read.causes AS c
        WHERE c.log_position = ANY(%(positions)s)
        UNION ALL
        SELECT c.*, chain.leads_to, chain.depth + 1 FROM chain
        INNER JOIN read.causes AS c ON c.event_id = chain.causation_id WHERE chain.depth < {DEEPEST}
    )
    SELECT chain.leads_to, chain.log_position, chain.event_id, chain.stream, chain.version, chain.type,
        chain.recorded_at, chain.command_id, r.number, r.name AS command, r.actor, r.recorded_at AS done_at
    FROM chain INNER JOIN read.commands AS r USING (command_id) ORDER BY chain.leads_to, chain.depth DESC
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The row that says a command was done: by whom, and when."""

    number: int
    command: str
    command_id: str
    actor: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """An event, the receipt of its command, and the event that caused this; None where a person or a clock began it."""

    log_position: int
    event_id: str
    stream: str
    version: int
    type: str
    recorded_at: datetime
    receipt: Receipt
    caused_by: "Origin | None"


async def origins_of(connection: Connection, positions: Collection[int]) -> dict[int, Origin]:
    """Return the origins of events of the connection's tenant, by their log positions."""
    origins: dict[int, Origin] = {}
    for row in await fetch(connection, dict[str, Any], _CHAINS, {"positions": list(positions)}):
        # Of each chain the first cause comes first, and each event after what caused it.
        leads_to = row.pop("leads_to")
        receipt = Receipt(
            number=row.pop("number"),
            command=row.pop("command"),
            command_id=row.pop("command_id").hex,
            actor=row.pop("actor"),
            recorded_at=row.pop("done_at"),
        )
        event_id = row.pop("event_id").hex
        origins[leads_to] = Origin(**row, event_id=event_id, receipt=receipt, caused_by=origins.get(leads_to))
    return origins
