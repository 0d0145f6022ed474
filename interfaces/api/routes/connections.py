"""Connections to venues: a paper one is opened with money from outside."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from application.connections import open_connection
from domain.connections import OpenConnection
from domain.ids import ConnectionId
from domain.money import Amount
from domain.positions.terms import Market
from interfaces.api.ask import Asked, answer
from interfaces.api.documented import COMMAND, QUERY, problems
from interfaces.api.fields import Body, Money, Shown, ShownMoney
from interfaces.api.pages import Cursor, Limit, shown
from interfaces.api.problems import pointing_at
from interfaces.api.roles import SEES_ALL
from interfaces.api.strict_json import StrictRoute
from projections import connections

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/connections", tags=["trading"])


class ConnectionBody(Body):
    """Which venue, and what a paper connection starts with."""

    venue: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$", examples=["paper"])]
    start: Money


class Opened(Shown):
    """A connection's id."""

    id: str


class ShownConnection(Shown):
    """A connection and what a paper one began with."""

    id: str
    user: str
    venue: str
    market: str
    start: ShownMoney
    occurred_at: datetime
    log_position: int


class ConnectionPage(Shown):
    """A page of connections."""

    items: list[ShownConnection]
    next_cursor: str | None


@router.post(
    "",
    operation_id="open_connection",
    status_code=HTTPStatus.CREATED,
    response_model=Opened,
    responses=problems(*COMMAND),
)
async def open_one(body: ConnectionBody, ask: Asked) -> Response:
    """Connect to a venue. A paper connection posts what it starts with: holdings against external."""
    with pointing_at("start", "asset"):
        asset = await ask.parts.assets.in_portfolio(body.start.asset)
    envelope = ask.envelope(body)
    with pointing_at("start", "value"):
        start = Amount.parse(body.start.value, asset)
    opening = OpenConnection(
        connection=ConnectionId(ask.new_id("connection")),
        user=ask.caller.user,
        venue=body.venue,
        market=Market.SPOT,
        start=start,
        occurred_at=envelope.now,
    )
    return await ask.submit(open_connection(envelope, opening))


@router.get("", operation_id="list_connections", response_model=ConnectionPage, responses=problems(*QUERY))
async def list_connections(ask: Asked, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List connections in the order of their opening."""
    async with ask.reading(connections.NAME) as database:
        page = await connections.list_connections(database, user=ask.owner(SEES_ALL), limit=limit, cursor=cursor)
    return answer(shown(page), page.log_position)
