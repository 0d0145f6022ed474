"""Proposals: what one person wants done, and how another approves or rejects it."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from application.proposals import approve_proposal, find_proposal, reject_proposal
from domain.proposals import Status
from interfaces.api.ask import Asked, answer
from interfaces.api.documented import COMMAND, QUERY, problems
from interfaces.api.fields import Id, Shown
from interfaces.api.pages import Cursor, Limit, shown
from interfaces.api.routes.admin.withdrawals import ReasonBody
from interfaces.api.strict_json import StrictRoute
from projections import proposals

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/proposals", tags=["proposals"])


class ShownProposal(Shown):
    """A proposal; `subject` is the id of what the act is about."""

    id: str
    act: str
    subject: str
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    status: str
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None
    log_position: int


class ProposalPage(Shown):
    """A page of proposals."""

    items: list[ShownProposal]
    next_cursor: str | None


class DecidedProposal(Shown):
    """A proposal after it was decided; `result` is the answer of the act that was approved."""

    id: str
    status: str
    result: dict[str, Any] | None = None


@router.get("", operation_id="list_proposals", response_model=ProposalPage, responses=problems(*QUERY))
async def list_proposals(
    ask: Asked, status: Annotated[Status | None, Query()] = None, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """List proposals, newest first."""
    async with ask.reading(proposals.NAME) as database:
        now = ask.parts.clock.now()
        page = await proposals.list_proposals(database, now=now, status=status, limit=limit, cursor=cursor)
    return answer(shown(page), page.log_position)


@router.post(
    "/{id}/approve", operation_id="approve_proposal", response_model=DecidedProposal, responses=problems(*COMMAND, 404)
)
async def approve(id: Annotated[Id, Path()], ask: Asked) -> Response:
    """Be the second person: approve, and do it at once."""
    envelope = ask.envelope()
    known = await find_proposal(ask.parts.committer, ask.caller.tenant, id)
    return await ask.submit(approve_proposal(envelope, known), status=HTTPStatus.OK)


@router.post(
    "/{id}/reject", operation_id="reject_proposal", response_model=DecidedProposal, responses=problems(*COMMAND, 404)
)
async def reject(id: Annotated[Id, Path()], body: ReasonBody, ask: Asked) -> Response:
    """Be the second person, and say no."""
    envelope = ask.envelope(body)
    known = await find_proposal(ask.parts.committer, ask.caller.tenant, id)
    return await ask.submit(reject_proposal(envelope, known, reason=body.reason), status=HTTPStatus.OK)
