from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from domain.holdings import Holdings
from domain.instruments import InstrumentId
from domain.orders import order
from domain.orders.commands import OrderCommand, PlaceOrder, RecordFill, RecordRejected
from domain.orders.order import Order
from domain.paper import PaperRejection
from interfaces.exchanges.candles import CandlesRefused
from interfaces.exchanges.paper import PaperVenue
from interfaces.settings import Settings
from tests.domain.given import after
from tests.domain.orders.orders import AT, SUBMIT, place, usd

pytestmark = pytest.mark.anyio
VENUE = PaperVenue.from_settings(Settings(paper_fee_bps=0))
ROWS = VENUE.candles.rows


async def answer(venue: PaperVenue, placed: PlaceOrder) -> OrderCommand:
    sent = after(order, placed, SUBMIT).state
    assert isinstance(sent, Order)
    return (await venue.submit(sent))(Holdings(units={"USD": usd("100000").units}))


async def filled_at(asked: datetime | None) -> tuple[datetime, str]:
    fill = await answer(VENUE, replace(place(quantity="1"), at_candle=asked))
    assert isinstance(fill, RecordFill), fill
    return fill.occurred_at, str(fill.price)


async def test_an_order_meets_the_first_candle_at_or_after_the_time_it_asks_for() -> None:
    assert await filled_at(ROWS[5].at) == (ROWS[5].at, str(ROWS[5].open))
    assert await filled_at(ROWS[5].at + timedelta(seconds=1)) == (ROWS[6].at, str(ROWS[6].open))


async def test_an_hour_without_trade_fills_nothing() -> None:
    idle = VENUE.candles.idle[0]
    assert (await filled_at(idle))[0] == idle + VENUE.candles.step


async def test_an_order_that_asks_for_no_time_meets_the_last_candle() -> None:
    assert await filled_at(None) == (ROWS[-1].at, str(ROWS[-1].open))


@pytest.mark.parametrize(
    "placed",
    [
        replace(place(quantity="1"), at_candle=ROWS[-1].at + timedelta(seconds=1)),
        replace(place(quote_amount="1"), instrument=InstrumentId("eth-usd"), quote_amount=usd("1")),
    ],
    ids=["after the last candle", "another instrument"],
)
async def test_what_has_no_candle_is_rejected(placed: PlaceOrder) -> None:
    rejected = await answer(VENUE, placed)
    assert rejected == RecordRejected(reason=PaperRejection.NO_CANDLE, occurred_at=AT)


async def test_the_settings_name_the_file_and_the_costs(tmp_path: Path) -> None:
    path = tmp_path / "candles.csv"
    path.write_text("note\ndate,symbol,open,high,low,close,volume_btc,volume\n2019-10-01,BTCUSD,1000,1000,1,1,1,1\n")
    venue = PaperVenue.from_settings(Settings(paper_candles=path, paper_slippage_bps=100, paper_fee_bps=10))
    fill = await answer(venue, place(quantity="1"))
    assert isinstance(fill, RecordFill)
    assert (fill.price, fill.fee) == (usd("1010"), usd("1.01"))
    path.write_text("something else")
    with pytest.raises(CandlesRefused):
        PaperVenue.from_settings(Settings(paper_candles=path))
