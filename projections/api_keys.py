"""API keys, without what only the vault knows. In the order in which they were made."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, assert_never

from application.log import Recorded
from application.store import Connection
from domain.api_keys import ApiKeyCreated, ApiKeyRevoked, ApiKeyRotated, Event, Kind, Scope
from projections.changes import Change, Put
from projections.paging import FIRST, page_of, read_cursor
from projections.reading import Page, fetch, log_position, where

NAME = "api_keys"
HANDLES = (ApiKeyCreated, ApiKeyRotated, ApiKeyRevoked)

Status = Literal["active", "rotated", "ended", "revoked"]


def apply(recorded: Recorded, event: Event) -> Iterator[Change]:
    """Begin a key, or say how it ends."""
    key = {"tenant": recorded.tenant, "id": event.key}
    match event:
        case ApiKeyCreated():
            yield Put(
                "api_keys",
                key,
                {
                    "user_id": event.user,
                    "kind": event.kind.value,
                    "scopes": [scope.value for scope in event.scopes],
                    "made_by": event.by,
                    "has_addresses": event.has_addresses,
                    "replaces": event.replaces,
                    "successor": None,
                    "created_at": event.occurred_at,
                    "usable_until": None,
                    "revoked_at": None,
                    "revoked_by": None,
                    "log_position": recorded.log_position,
                },
            )
        case ApiKeyRotated():
            yield Put("api_keys", key, {"successor": event.successor, "usable_until": event.usable_until})
        case ApiKeyRevoked():
            yield Put("api_keys", key, {"revoked_at": event.occurred_at, "revoked_by": event.by})
        case _:
            assert_never(event)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key: active, rotated (good until its time is over), ended (it is over), or revoked."""

    id: str
    user: str
    kind: Kind
    scopes: tuple[Scope, ...]
    status: Status
    made_by: str
    has_addresses: bool
    replaces: str | None
    successor: str | None
    created_at: datetime
    usable_until: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None
    log_position: int


_COLUMNS = """
    id, user_id AS user, kind, scopes, made_by, has_addresses, replaces, successor, created_at, usable_until,
    revoked_at, revoked_by, log_position, CASE
        WHEN revoked_at IS NOT NULL THEN 'revoked'
        WHEN usable_until IS NULL THEN 'active'
        WHEN usable_until > %(now)s THEN 'rotated' ELSE 'ended' END AS status
"""
_CONDITIONS = {"after": "log_position > %(after)s", "user": "user_id = %(user)s"}
_LIST = "SELECT {columns} FROM read.api_keys WHERE {conditions} ORDER BY log_position LIMIT %(limit)s"


async def list_keys(
    connection: Connection, *, now: datetime, user: str | None, limit: int, cursor: str | None = None
) -> Page[ApiKey]:
    """List a user's keys, or with None all of the tenant's, as they stand at a moment."""
    (after,) = read_cursor(cursor, FIRST)
    position = await log_position(connection, NAME)
    wanted = {"after": after, "user": user}
    query = _LIST.format(columns=_COLUMNS, conditions=where(_CONDITIONS, wanted))
    found = await fetch(connection, _row, query, {**wanted, "now": now, "limit": limit + 1})
    return page_of(found, limit=limit, log_position=position, cursor_of=lambda one: (one.log_position,))


def _row(*, kind: str, scopes: list[str], **columns: Any) -> ApiKey:
    return ApiKey(kind=Kind(kind), scopes=tuple(Scope(scope) for scope in scopes), **columns)
