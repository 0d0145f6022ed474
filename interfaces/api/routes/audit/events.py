"""The tenant's log for its auditor: events as stored, one event with its proof, and checkpoints."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from interfaces.api.ask import Asked, answer
from interfaces.api.documented import QUERY, problems
from interfaces.api.fields import Shown, Time
from interfaces.api.pages import Cursor, Limit, shown
from interfaces.api.strict_json import StrictRoute
from projections import journal
from projections.log_events import LoggedEvent, get_event, own_head
from projections.log_events import list_events as events_of
from projections.seals import list_checkpoints as checkpoints_of
from projections.seals import prove

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/audit", tags=["audit"])

_PRINTABLE = r"^[!-~]{1,200}$"


class ShownEvent(Shown):
    """An event as stored: its envelope, and `fact`, which is the event itself (schema/events describes each type)."""

    log_position: int
    stream: str
    version: int
    type: str = Field(examples=["ledger.entry_posted.v1"])
    event_id: str
    tenant: str
    actor: str
    command_id: str
    correlation_id: str
    causation_id: str | None
    append_id: int
    append_index: int
    append_size: int
    recorded_at: datetime
    fact: dict[str, Any]


class EventPage(Shown):
    """A page of events."""

    items: list[ShownEvent]
    next_cursor: str | None


class ProvenEvent(Shown):
    """An event, and the proof that a signature stands for it: null as long as nobody has signed for it.

    `proof`, kept as a file, is checked by `lastro audit check FILE --key KEY`, anywhere and without a database.
    """

    event: ShownEvent
    proof: dict[str, Any] | None


class ShownCheckpoint(Shown):
    """A checkpoint: how many events and receipts of the whole log it signs for, and the signed note itself."""

    number: int
    events: int
    receipts: int
    signed_at: datetime
    note: str


class CheckpointPage(Shown):
    """A page of checkpoints."""

    items: list[ShownCheckpoint]
    next_cursor: str | None


@router.get("/events", operation_id="list_events", response_model=EventPage, responses=problems(*QUERY))
async def list_events(
    ask: Asked,
    stream: Annotated[str | None, Query(pattern=_PRINTABLE)] = None,
    type: Annotated[str | None, Query(pattern=_PRINTABLE)] = None,  # noqa: A002 - as events call it
    actor: Annotated[str | None, Query(pattern=_PRINTABLE)] = None,
    recorded_from: Annotated[Time | None, Query(alias="from")] = None,
    recorded_to: Annotated[Time | None, Query(alias="to")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List the tenant's events, newest first, by stream, type, actor and the time they were recorded."""
    times = {"recorded_from": recorded_from, "recorded_to": recorded_to}
    async with ask.reading(journal.NAME) as database:
        page = await events_of(database, stream=stream, type=type, actor=actor, **times, limit=limit, cursor=cursor)
    return answer(shown(page, _event), page.log_position)


@router.get(
    "/events/{log_position}",
    operation_id="get_event",
    response_model=ProvenEvent,
    responses=problems(*QUERY, 404),
)
async def get_one_event(log_position: Annotated[int, Path(ge=0, le=2**63 - 1)], ask: Asked) -> Response:
    """Return one event of the tenant with the proof that it is in the log that was signed."""
    async with ask.reading(journal.NAME) as database:
        found = await get_event(database, log_position)
        proof = await prove(database, found.stored())
        head = await own_head(database)
    return answer({"event": _event(found), "proof": proof}, head)


@router.get("/checkpoints", operation_id="list_checkpoints", response_model=CheckpointPage, responses=problems(*QUERY))
async def list_checkpoints(ask: Asked, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List what was signed of the log, newest first. A copy kept elsewhere tells an old or rewritten log."""
    async with ask.reading(journal.NAME) as database:
        head = await own_head(database)
        page = await checkpoints_of(database, limit=limit, cursor=cursor, head=head)
    return answer(shown(page), head)


def _event(one: LoggedEvent) -> dict[str, Any]:
    envelope = {name: getattr(one, name) for name in ShownEvent.model_fields if name != "fact"}
    return {**envelope, "fact": one.fact}
