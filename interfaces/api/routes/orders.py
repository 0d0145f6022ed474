"""Orders, and what came of them: fills and positions."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field, model_validator

from application.orders import place_order
from domain.ids import ConnectionId, OrderId
from domain.instruments import Instrument, parse
from domain.money import Amount, Asset
from domain.orders.commands import PlaceOrder
from domain.orders.errors import UnknownOrder
from domain.orders.terms import OrderType, Side
from interfaces.api.ask import Ask, Asked, answer
from interfaces.api.documented import COMMAND, QUERY, problems
from interfaces.api.fields import Body, Id, Shown, ShownMoney, Time, UnsignedAmount
from interfaces.api.pages import Cursor, Limit, plain, shown
from interfaces.api.problems import pointing_at
from interfaces.api.roles import SEES_ALL
from interfaces.api.strict_json import StrictRoute
from projections import connections, fills, orders, positions
from projections.positions import HeldPosition

router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["trading"])


class OrderBody(Body):
    """A market order, sized by a quantity of the base or an amount of the quote."""

    connection: Id
    instrument: Annotated[str, Field(max_length=64, examples=["btc-usd"])]
    side: Literal["buy", "sell"]
    type: Literal["market"]
    quantity: UnsignedAmount | None = None
    quote_amount: UnsignedAmount | None = None
    occurred_at: Time | None = None

    @model_validator(mode="after")
    def _has_one_size(self) -> Self:
        if (self.quantity is None) == (self.quote_amount is None):
            raise ValueError("give either quantity or quote_amount")
        return self


class Placed(Shown):
    """An order's id and where it stands."""

    id: str
    status: str


class ShownOrder(Shown):
    """An order; `reason` is why it was denied or rejected, `fees` are per asset, a rebate negative."""

    id: str
    user: str
    connection: str
    instrument: str
    strategy: str | None
    side: str
    type: str
    quantity: ShownMoney | None
    quote_amount: ShownMoney | None
    status: str
    uncertain: bool
    reason: str | None
    venue_order: str | None
    filled: ShownMoney
    cost: ShownMoney
    fees: list[ShownMoney]
    occurred_at: datetime
    recorded_at: datetime
    log_position: int


class OrderPage(Shown):
    """A page of orders."""

    items: list[ShownOrder]
    next_cursor: str | None


class ShownFill(Shown):
    """A fill; `cost` is its quote value without fee."""

    log_position: int
    order: str
    connection: str
    instrument: str
    strategy: str | None
    side: str
    trade_id: str
    quantity: ShownMoney
    price: ShownMoney
    cost: ShownMoney
    fee: ShownMoney
    liquidity: str
    standing: str
    occurred_at: datetime
    recorded_at: datetime


class FillPage(Shown):
    """A page of fills."""

    items: list[ShownFill]
    next_cursor: str | None


class ShownCharge(ShownMoney):
    """What was paid beside a position, by what it was charged for; received funding and rebates are negative."""

    charge: str = Field(examples=["fee"])


class ShownPosition(Shown):
    """A position; `average_price` is null when flat; `charges` are as paid, by what they were charged for."""

    connection: str
    instrument: str
    strategy: str | None
    quantity: ShownMoney
    cost: ShownMoney
    realised: ShownMoney
    average_price: ShownMoney | None
    charges: list[ShownCharge]


class PositionPage(Shown):
    """A page of positions."""

    items: list[ShownPosition]
    next_cursor: str | None


@router.post(
    "/orders",
    operation_id="place_order",
    status_code=HTTPStatus.CREATED,
    response_model=Placed,
    responses=problems(*COMMAND, 404),
)
async def place(body: OrderBody, ask: Asked) -> Response:
    """Put an order on record; it is sent to its venue by the worker, and settled by what the venue says."""
    envelope = ask.envelope(body)
    instrument = await _instrument(ask, body.instrument)
    order = PlaceOrder(
        order=OrderId(ask.new_id("order")),
        user=ask.caller.user,
        connection=ConnectionId(body.connection),
        instrument=instrument.id,
        strategy=None,
        side=Side(body.side),
        type=OrderType(body.type),
        quantity=_size(body, "quantity", instrument.base),
        quote_amount=_size(body, "quote_amount", instrument.quote),
        occurred_at=envelope.now,
        at_candle=body.occurred_at,
    )
    return await ask.submit(place_order(envelope, order))


@router.get("/orders", operation_id="list_orders", response_model=OrderPage, responses=problems(*QUERY))
async def list_orders(
    ask: Asked, connection: Annotated[Id | None, Query()] = None, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """List orders, newest first."""
    of = {"user": ask.owner(SEES_ALL), "venue_connection": connection}
    async with ask.reading(orders.NAME) as database:
        page = await orders.list_orders(database, **of, limit=limit, cursor=cursor)
    return answer(shown(page), page.log_position)


@router.get("/orders/{id}", operation_id="get_order", response_model=ShownOrder, responses=problems(*QUERY, 404))
async def get_order(id: Annotated[Id, Path()], ask: Asked) -> Response:
    """Return one order; somebody else's is as unknown as none."""
    async with ask.reading(orders.NAME) as database:
        found = await orders.get_order(database, id)
    if ask.owner(SEES_ALL) not in {None, found.value.user}:
        raise UnknownOrder
    return answer(plain(found.value), found.log_position)


@router.get("/fills", operation_id="list_fills", response_model=FillPage, responses=problems(*QUERY))
async def list_fills(
    ask: Asked,
    connection: Annotated[Id | None, Query()] = None,
    order: Annotated[Id | None, Query()] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List fills, newest first."""
    of = {"user": ask.owner(SEES_ALL), "venue_connection": connection, "order": order}
    async with ask.reading(fills.NAME, connections.NAME) as database:
        page = await fills.list_fills(database, **of, limit=limit, cursor=cursor)
    return answer(shown(page), page.log_position)


@router.get("/positions", operation_id="list_positions", response_model=PositionPage, responses=problems(*QUERY))
async def list_positions(
    ask: Asked,
    connection: Annotated[Id | None, Query()] = None,
    open_only: Annotated[bool, Query()] = False,  # noqa: FBT002 - a query parameter
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List positions by connection and instrument."""
    of = {"user": ask.owner(SEES_ALL), "venue_connection": connection}
    async with ask.reading(positions.NAME, connections.NAME) as database:
        page = await positions.list_positions(database, **of, open_only=open_only, limit=limit, cursor=cursor)
    return answer(shown(page, _position), page.log_position)


async def _instrument(ask: Ask, name: str) -> Instrument:
    """Return an instrument whose assets venues hold. Raises `InvalidInstrument` or `UnknownAsset`."""
    with pointing_at("instrument"):
        instrument = parse(name)
        for asset in (instrument.base, instrument.quote):
            await ask.parts.assets.in_portfolio(asset.code)
    return instrument


def _size(body: OrderBody, name: str, asset: Asset) -> Amount | None:
    said: str | None = getattr(body, name)
    with pointing_at(name):
        return None if said is None else Amount.parse(said, asset)


def _position(one: HeldPosition) -> dict[str, Any]:
    charges = [{"charge": charge.value, **plain(paid)} for charge, paid in one.charges]
    return {**plain(one), "charges": charges}
