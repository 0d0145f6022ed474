"""Verifications of the log that an auditor asks for: a worker runs them, and they are followed until they have ended.

A verification sees the whole installation. What is shown of it is the own tenant's, and numbers.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Self

from fastapi import APIRouter, Path, Response
from pydantic import Field, model_validator

from interfaces.api.ask import Asked, answer
from interfaces.api.documented import COMMAND, QUERY, problems
from interfaces.api.fields import Body, Id, Shown
from interfaces.api.jobs import ask_for_job, find_own
from interfaces.api.pages import Cursor, Limit, shown
from interfaces.api.problems import Problem
from interfaces.api.strict_json import StrictRoute
from projections.jobs import VERIFY, Job, list_verifications

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/audit/verifications", tags=["audit"])

_LAST = 2**63 - 1


class VerificationBody(Body):
    """Which log positions are to be judged; without `to`, to the end of the log."""

    first: Annotated[int, Field(alias="from", strict=True, ge=1, le=_LAST, examples=[1])] = 1
    last: Annotated[int | None, Field(alias="to", strict=True, ge=1, le=_LAST, examples=[4_000])] = None

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.last is not None and self.first > self.last:
            raise ValueError("a range begins before it ends")
        return self


class ShownProgress(Shown):
    """Pieces of work that are done, of how many; 0 of 0 as long as that is not known.

    A run that goes on after a kill counts what it has left.
    """

    done: int
    of: int


class ShownFinding(Shown):
    """What is wrong, and at which log position; null where it has none."""

    log_position: int | None
    what: str


class FirstWrong(ShownFinding):
    """The finding at the lowest log position, of those that are shown."""

    check: str = Field(examples=["codec"])


class LookedAt(Shown):
    """How many things a check has looked at."""

    what: str = Field(examples=["events"])
    number: int


class ShownCheck(Shown):
    """A check. `found` counts what the whole installation has, of which the own tenant's are shown.

    `of_others` are other tenants' or of several; `not_listed` lie behind the first 200 and were only counted.
    """

    check: str = Field(examples=["codec"])
    says: str
    looked_at: list[LookedAt]
    found: int
    findings: list[ShownFinding]
    of_others: int
    not_listed: int


class ShownReport(Shown):
    """What came of a verification. `sound` speaks of the whole installation, from and to these log positions."""

    sound: bool
    from_: int = Field(alias="from")
    log_position: int
    receipts: int
    found_outside: int
    taken_over: int
    first_wrong: FirstWrong | None
    checks: list[ShownCheck]


class ShownRefusal(Shown):
    """Why a run has no report."""

    code: str = Field(examples=["cannot_resume"])
    detail: str


class ListedVerification(Shown):
    """A run: what was asked for, how far it is, and whether everything was sound; null as long as that is not known."""

    id: str
    state: str = Field(examples=["running"])
    from_: int = Field(alias="from")
    to: int | None
    progress: ShownProgress
    sound: bool | None
    asked_by: str
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class ShownVerification(ListedVerification):
    """A run with its report, or with what became of it instead; both null until it has ended."""

    report: ShownReport | None
    refusal: ShownRefusal | None


class VerificationPage(Shown):
    """A page of runs."""

    items: list[ListedVerification]
    next_cursor: str | None


@router.post(
    "",
    operation_id="ask_verification",
    status_code=HTTPStatus.ACCEPTED,
    response_model=ShownVerification,
    responses=problems(*COMMAND),
)
async def ask_for(body: VerificationBody, ask: Asked) -> Response:
    """Ask for a verification of the log, or of a range of it; one runs at a time."""
    head = await ask.parts.store.head()
    if max(body.first, body.last or 1) > max(head, 1):
        raise Problem(HTTPStatus.CONFLICT, "no_such_range", f"The log ends at log position {head}.")
    job = await ask_for_job(ask, VERIFY, first=body.first, last=body.last)
    return answer(_whole(job), head, HTTPStatus.ACCEPTED)


@router.get("", operation_id="list_verifications", response_model=VerificationPage, responses=problems(*QUERY))
async def list_all(ask: Asked, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List the verifications that the tenant's auditors have asked for, newest first."""
    head = await ask.parts.store.head()
    async with ask.reading() as database:
        page = await list_verifications(database, limit=limit, cursor=cursor, head=head)
    return answer(shown(page, _listed), head)


@router.get("/{id}", operation_id="get_verification", response_model=ShownVerification, responses=problems(*QUERY, 404))
async def get(id: Annotated[Id, Path()], ask: Asked) -> Response:
    """Return a verification: how far it is, and when it has ended, its report."""
    head = await ask.parts.store.head()
    found = await find_own(ask, id, is_verification=True)
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, "unknown_verification", "There is no such verification.")
    return answer(_whole(found), head)


def _listed(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "state": job.state,
        "from": job.first,
        "to": job.last,
        "progress": {"done": job.reached, "of": job.goal},
        "sound": job.answer.get("sound"),
        "asked_by": job.asked_by,
        "asked_at": job.asked_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
    }


def _whole(job: Job) -> dict[str, Any]:
    is_done = job.state == "done"
    return {
        **_listed(job),
        "report": job.answer if is_done else None,
        "refusal": job.answer if job.has_ended and not is_done else None,
    }
