"""Exchange between own wallets: a quote, good for a short time, and its acceptance; rates and covers by finance."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import Field

from application import streams
from application.exchange import accept_quote, ask_for_quote, cover, record_rate
from domain.exchange.quote import Costs, Quote, UnknownQuote
from domain.exchange.rates import PRICE_SCALE
from domain.ids import EntryId, QuoteId
from domain.ledger.accounts import Realm
from domain.money import Amount, asset_of
from interfaces.api.ask import Asked, answer
from interfaces.api.documented import COMMAND, QUERY, problems
from interfaces.api.fields import Body, Id, Money, Shown, ShownMoney, Time, UnsignedAmount
from interfaces.api.money import of_company
from interfaces.api.pages import Cursor, Limit, shown
from interfaces.api.problems import pointing_at
from interfaces.api.roles import SEES_ALL
from interfaces.api.strict_json import StrictRoute
from projections import quotes

router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["exchange"])

Code = Annotated[str, Field(pattern="^[A-Z0-9]{1,20}$", examples=["BRL"])]


class QuoteBody(Body):
    """What shall be exchanged, and into what."""

    sold: Money
    bought: Code


class Offer(Shown):
    """What we offer: gross at the price, less our spread and the tax."""

    id: str
    status: str
    sold: ShownMoney
    gross: ShownMoney
    spread: ShownMoney
    tax: ShownMoney
    net: ShownMoney
    price: ShownMoney
    rate_of: datetime
    expires_at: datetime


class Accepted(Shown):
    """A quote that was accepted."""

    id: str
    status: str


class ShownQuote(Shown):
    """A quote; `accepted_at` is null where it was not accepted."""

    id: str
    user: str
    sold: ShownMoney
    gross: ShownMoney
    spread: ShownMoney
    tax: ShownMoney
    net: ShownMoney
    price: ShownMoney
    rate_of: datetime
    expires_at: datetime
    accepted_at: datetime | None
    occurred_at: datetime
    recorded_at: datetime
    log_position: int


class QuotePage(Shown):
    """A page of quotes."""

    items: list[ShownQuote]
    next_cursor: str | None


class RateBody(Body):
    """What one unit of `base` was worth in `quote`, and who says so."""

    base: Code
    quote: Code
    price: UnsignedAmount
    source: Annotated[str, Field(min_length=1, max_length=64, examples=["central bank"])]
    occurred_at: Time | None = None


class Recorded(Shown):
    """The pair of a rate that was recorded."""

    base: str
    quote: str


class CoverBody(Body):
    """What we sold at our bank, and what we got for it."""

    bank: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_-]{0,63}$", examples=["main"])]
    sold: Money
    received: Money


class Covered(Shown):
    """The entry of a cover."""

    id: str


@router.post(
    "/quotes", operation_id="ask_for_quote", status_code=HTTPStatus.CREATED, response_model=Offer,
    responses=problems(*COMMAND),
)  # fmt: skip
async def ask_quote(body: QuoteBody, ask: Asked) -> Response:
    """Offer what an amount is worth at the last rate; 409 where that is older than a day."""
    envelope, settings = ask.envelope(body), ask.parts.settings
    sold = await of_company(ask, body.sold, "sold")
    with pointing_at("bought"):
        bought = (await ask.parts.assets.find(body.bought)).at(Realm.COMPANY)
    costs = Costs(
        spread_bps=settings.exchange_spread_bps, tax_bps=settings.exchange_tax_bps, tax_kind=settings.exchange_tax
    )
    expires_at = envelope.now + timedelta(seconds=settings.quote_s)
    id = QuoteId(ask.new_id("quote"))
    return await ask.submit(ask_for_quote(envelope, id, sold, bought=bought, costs=costs, expires_at=expires_at))


@router.post(
    "/quotes/{id}/accept", operation_id="accept_quote", response_model=Accepted, responses=problems(*COMMAND, 404)
)
async def accept(id: Annotated[Id, Path()], ask: Asked) -> Response:
    """Exchange as quoted, at once, while the quote is good."""
    known = (await ask.parts.committer.state(streams.quote(ask.caller.tenant, QuoteId(id)))).state
    if not isinstance(known, Quote):
        raise UnknownQuote
    return await ask.submit(accept_quote(ask.envelope(), known), status=HTTPStatus.OK)


@router.get("/quotes", operation_id="list_quotes", response_model=QuotePage, responses=problems(*QUERY))
async def list_quotes(ask: Asked, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List the caller's quotes, newest first."""
    async with ask.reading(quotes.NAME) as database:
        page = await quotes.list_quotes(database, user=ask.owner(SEES_ALL), limit=limit, cursor=cursor)
    return answer(shown(page), page.log_position)


@router.post(
    "/rates", operation_id="record_rate", status_code=HTTPStatus.CREATED, response_model=Recorded,
    responses=problems(*COMMAND),
)  # fmt: skip
async def record(body: RateBody, ask: Asked) -> Response:
    """Record what one unit of an asset was worth in another."""
    envelope = ask.envelope(body)
    for name in ("base", "quote"):
        with pointing_at(name):
            await ask.parts.assets.find(getattr(body, name))
    with pointing_at("price"):
        price = Amount.parse(body.price, asset_of(body.quote, PRICE_SCALE))
    command = record_rate(envelope, body.base, price, source=body.source, occurred_at=body.occurred_at or envelope.now)
    return await ask.submit(command)


@router.post(
    "/exchange/covers", operation_id="cover_exchange", status_code=HTTPStatus.CREATED, response_model=Covered,
    responses=problems(*COMMAND),
)  # fmt: skip
async def cover_position(body: CoverBody, ask: Asked) -> Response:
    """Book what our bank gave us for a part of our open position; the difference is our result."""
    sold, received = await of_company(ask, body.sold, "sold"), await of_company(ask, body.received, "received")
    command = cover(ask.envelope(body), EntryId(ask.new_id("cover")), bank=body.bank, sold=sold, received=received)
    return await ask.submit(command)
