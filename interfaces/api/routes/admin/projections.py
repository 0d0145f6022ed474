"""Read models, as administrators look after them: how they stand, and acts that a worker does, followed as they go.

Read models hold all tenants' rows, so only what changes no row is done here (docs/decisions/0028); the rest belongs to
the command line.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator, Field
from pydantic_core import to_json

from interfaces.api.ask import JSON, Ask, Asked, answer
from interfaces.api.documented import COMMAND, QUERY, problems
from interfaces.api.fields import Body, Id, Shown
from interfaces.api.jobs import ask_for_job, find_own
from interfaces.api.problems import Problem
from interfaces.api.strict_json import StrictRoute
from projections.jobs import Act, Job
from projections.models import PROJECTIONS
from projections.standings import list_standings

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/admin/projections", tags=["operations"])

LOOK_S = 0.25
SAY_AGAIN = 40
"""After so many looks without news it is said again, so that nobody between takes the stream for dead."""


def _known(name: str) -> str:
    if name not in PROJECTIONS:
        raise ValueError("must be a read model")
    return name


ModelName = Annotated[str, Field(json_schema_extra={"enum": sorted(PROJECTIONS)}, examples=["accounts"])]


class UpkeepBody(Body):
    """What shall be done with which read models."""

    act: Annotated[Act, Field(examples=["rebuild"])]
    models: Annotated[
        list[Annotated[ModelName, AfterValidator(_known)]], Field(min_length=1, max_length=64, examples=[["accounts"]])
    ]


class ShownGeneration(Shown):
    """A generation of a read model; `lag` counts log positions behind the head."""

    model: str
    generation: int
    role: str
    state: str
    log_position: int
    lag: int
    bytes: int


class GenerationList(Shown):
    """All generations of all read models."""

    items: list[ShownGeneration]
    next_cursor: None


class ShownUpkeep(Shown):
    """A job, and how far it is; `answer` says what came of it."""

    id: str
    act: str
    models: list[str]
    state: str
    log_position: int
    goal: int
    events_per_s: int
    eta_s: int | None
    answer: dict[str, Any]
    asked_by: str
    asked_at: datetime
    ended_at: datetime | None


@router.get("", operation_id="list_generations", response_model=GenerationList, responses=problems(*QUERY))
async def list_generations(ask: Asked) -> Response:
    """Say how every generation of every read model stands."""
    head = await ask.parts.store.head()
    async with ask.reading() as connection:
        found = await list_standings(connection, PROJECTIONS, head=head)
    items = [{name: getattr(one, name) for name in ShownGeneration.model_fields} for one in found]
    return answer({"items": items, "next_cursor": None}, head)


@router.post(
    "/jobs",
    operation_id="ask_upkeep",
    status_code=HTTPStatus.CREATED,
    response_model=ShownUpkeep,
    responses=problems(*COMMAND),
)
async def ask_for(body: UpkeepBody, ask: Asked) -> Response:
    """Ask for a rebuild, a comparison, a switch, the way back, or a drop; one job at a time."""
    job = await ask_for_job(ask, body.act, models=list(dict.fromkeys(body.models)))
    return Response(_json(job), status_code=HTTPStatus.CREATED, media_type=JSON)


@router.get("/jobs/{id}", operation_id="get_upkeep", response_model=ShownUpkeep, responses=problems(*QUERY, 404))
async def get(id: Annotated[Id, Path()], ask: Asked) -> Response:
    """Return a job and how far it is."""
    return Response(_json(await _find(ask, id)), media_type=JSON)


@router.get(
    "/jobs/{id}/progress",
    operation_id="follow_upkeep",
    response_class=Response,
    responses={
        **problems(*QUERY, 404),
        200: {"content": {"text/event-stream": {}}, "description": "Server-sent events: `progress`, at last `ended`."},
    },
)
async def follow(id: Annotated[Id, Path()], ask: Asked) -> Response:
    """Follow a job until it has ended, as server-sent events."""
    return StreamingResponse(_events(ask, await _find(ask, id)), media_type="text/event-stream")


async def _events(ask: Ask, job: Job) -> AsyncIterator[bytes]:
    said, looks = b"", 0
    while not job.has_ended:
        news = _json(job, without_clock=True)
        if news != said or looks % SAY_AGAIN == 0:
            said = news
            yield b"event: progress\ndata: " + _json(job) + b"\n\n"
        looks += 1
        await asyncio.sleep(LOOK_S)
        job = await _find(ask, job.id)
    yield b"event: ended\ndata: " + _json(job) + b"\n\n"


async def _find(ask: Ask, job: str) -> Job:
    found = await find_own(ask, job, is_verification=False)
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, "unknown_job", "There is no such job.")
    return found


def _json(job: Job, *, without_clock: bool = False) -> bytes:
    """Return a job as JSON, for comparisons without what changes by itself."""
    said = {
        "id": job.id,
        "act": job.act,
        "models": job.models,
        "state": job.state,
        "log_position": job.reached,
        "goal": job.goal,
        "answer": job.answer,
        "asked_by": job.asked_by,
        "asked_at": job.asked_at,
        "ended_at": job.ended_at,
    }
    return to_json(said if without_clock else {**said, "events_per_s": job.reached_per_s, "eta_s": job.eta_s})
