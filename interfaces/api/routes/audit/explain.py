"""From a number of any answer back to what made it: postings, events, receipts, and what caused them."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from interfaces.api.ask import Asked, answer
from interfaces.api.documented import QUERY, problems
from interfaces.api.fields import AccountPath, AssetCode, Id, Shown, ShownMoney
from interfaces.api.pages import Cursor, Limit, plain
from interfaces.api.routes.ledger.accounts import AsOf, KnownAt
from interfaces.api.strict_json import StrictRoute
from projections.explain.subjects import BALANCE, KINDS, Subject, subject_of
from projections.explain.subjects import explain as explanation_of
from projections.times import Moment

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/audit", tags=["audit"])


class ShownCommand(Shown):
    """The row that says a command was done: by whom, and when."""

    number: int
    command: str = Field(examples=["post_entry"])
    command_id: str
    actor: str
    recorded_at: datetime


class ShownOrigin(Shown):
    """An event, the receipt of its command, and the event that caused it; null where a person or a clock began it."""

    log_position: int
    event_id: str
    stream: str
    version: int
    type: str = Field(examples=["ledger.entry_posted.v1"])
    recorded_at: datetime
    receipt: ShownCommand
    caused_by: "ShownOrigin | None"


class ShownFigure(Shown):
    """A named number of the subject; of a total's accounts, the account and its balance, debit positive."""

    figure: str
    amount: ShownMoney


class ShownChange(Shown):
    """What an event did to a figure: `set` it, `added` to it, or it `follows` from others; and the figure after it."""

    figure: str
    how: str = Field(examples=["added"])
    amount: ShownMoney
    after: ShownMoney


class ShownBooking(Shown):
    """The journal entry that the event is."""

    id: str
    kind: str
    reference: str
    note: str
    effective_at: datetime


class ExplainedStep(Shown):
    """An event with its origin, and what it did; nothing where it only moved a status."""

    origin: ShownOrigin
    changes: list[ShownChange]
    entry: ShownBooking | None


class ShownExplanation(Shown):
    """Figures, what is brought forward from pages before, and the events of this page, oldest first."""

    subject: dict[str, str]
    figures: list[ShownFigure]
    brought_forward: list[ShownFigure]
    steps: list[ExplainedStep]
    accounts: list[ShownFigure]
    next_cursor: str | None


async def subject(
    kind: Annotated[str, Query(pattern=f"^({'|'.join(KINDS)})$", description="whose number it is")] = BALANCE,
    account: Annotated[AccountPath | None, Query(description="of a balance")] = None,
    asset: Annotated[AssetCode | None, Query(description="of a balance or total")] = None,
    realm: Annotated[str | None, Query(pattern="^[a-z]{1,20}$", description="of a total")] = None,
    connection: Annotated[Id | None, Query(description="of a position")] = None,
    instrument: Annotated[str | None, Query(pattern="^[a-z0-9-]{3,46}$", description="of a position")] = None,
    strategy: Annotated[str | None, Query(pattern="^[a-z0-9_-]{1,64}$", description="of a position")] = None,
    log_position: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="of a fill")] = None,
    id: Annotated[Id | None, Query(description="of anything else")] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Subject:
    """Return whose numbers are to be explained, by the parameters that its kind needs."""
    given = {
        "account": account, "asset": asset, "realm": realm, "connection": connection, "instrument": instrument,
        "strategy": strategy, "log_position": log_position, "id": id,
    }  # fmt: skip
    return subject_of(kind, given, Moment(as_of=as_of, known_at=known_at))


@router.get("/explain", operation_id="explain", response_model=ShownExplanation, responses=problems(*QUERY, 404))
async def explain(
    ask: Asked, of: Annotated[Subject, Depends(subject)], limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """Explain a number: by its events, oldest first, each with its receipt and what caused it."""
    async with ask.reading(*of.models) as database:
        found = await explanation_of(database, ask.caller.tenant, of, limit=limit, cursor=cursor)
    said = plain(found)
    del said["log_position"]
    return answer(said, found.log_position)
