"""Proposals: what one person wants done, and what another said to it. Newest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from application.log import Recorded
from application.store import Connection
from domain.proposals import (
    AllowanceProposed,
    ClientMoneyMoveProposed,
    Event,
    ManualEntryProposed,
    ProposalApproved,
    ProposalExpired,
    ProposalRejected,
    Proposed,
    Status,
    WithdrawalApprovalProposed,
    WriteOffProposed,
)
from projections.changes import Change, Put, Row
from projections.paging import LAST, page_of, read_cursor
from projections.reading import Page, fetch, log_position, where

NAME = "proposals"
HANDLES = (
    WithdrawalApprovalProposed, ManualEntryProposed, ClientMoneyMoveProposed, WriteOffProposed, AllowanceProposed,
    ProposalApproved, ProposalRejected, ProposalExpired,
)  # fmt: skip


def apply(recorded: Recorded, event: Event) -> Iterator[Change]:
    """Begin a proposal, or set what became of it."""
    key = {"tenant": recorded.tenant, "id": event.proposal}
    match event:
        case WithdrawalApprovalProposed(act=act):
            yield Put("proposals", key, _made(recorded, event, act="approve_withdrawal", subject=act.withdrawal))
        case ManualEntryProposed(act=act):
            yield Put("proposals", key, _made(recorded, event, act="post_entry", subject=act.entry.id))
        case ClientMoneyMoveProposed(act=act):
            yield Put("proposals", key, _made(recorded, event, act="move_client_money", subject=act.entry))
        case WriteOffProposed(act=act):
            yield Put("proposals", key, _made(recorded, event, act="write_off", subject=act.write_off))
        case AllowanceProposed(act=act):
            yield Put("proposals", key, _made(recorded, event, act="set_allowance", subject=act.entry))
        case ProposalApproved(by=by, occurred_at=at):
            yield Put("proposals", key, {"status": Status.APPROVED.value, "decided_by": by, "decided_at": at})
        case ProposalRejected(by=by, reason=reason, occurred_at=at):
            decided: Row = {"status": Status.REJECTED.value, "decided_by": by, "decided_at": at, "reason": reason}
            yield Put("proposals", key, decided)
        case ProposalExpired(occurred_at=at):
            yield Put("proposals", key, {"status": Status.EXPIRED.value, "decided_at": at})
        case _:
            assert_never(event)


def _made(recorded: Recorded, event: Proposed, *, act: str, subject: str) -> Row:
    return {
        "act": act,
        "subject": subject,
        "proposed_by": event.by,
        "proposed_at": event.occurred_at,
        "expires_at": event.expires_at,
        "status": Status.OPEN.value,
        "log_position": recorded.log_position,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A proposal; `subject` is the id of what the act is about."""

    id: str
    act: str
    subject: str
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    status: Status
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None
    log_position: int


_STATUS = "CASE WHEN status = 'open' AND expires_at <= %(now)s THEN 'expired' ELSE status END"
_LIST = """
    SELECT id, act, subject, proposed_by, proposed_at, expires_at, {status} AS status, decided_by, decided_at, reason,
        log_position
    FROM read.proposals WHERE {conditions} ORDER BY log_position DESC LIMIT %(limit)s
"""
_CONDITIONS = {"before": "log_position < %(before)s", "status": f"{_STATUS} = %(status)s"}


async def list_proposals(
    connection: Connection, *, now: datetime, status: Status | None = None, limit: int, cursor: str | None = None
) -> Page[Proposal]:
    """List proposals, newest first. One whose time is over is shown as expired, whether or not that was recorded."""
    (before,) = read_cursor(cursor, LAST)
    position = await log_position(connection, NAME)
    wanted = {"before": before, "status": status and status.value}
    query = _LIST.format(status=_STATUS, conditions=where(_CONDITIONS, wanted))
    found = await fetch(connection, _row, query, {**wanted, "now": now, "limit": limit + 1})
    return page_of(found, limit=limit, log_position=position, cursor_of=lambda one: (one.log_position,))


def _row(*, status: str, **columns: Any) -> Proposal:
    return Proposal(status=Status(status), **columns)
