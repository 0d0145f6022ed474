from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.instruments import portfolio_asset
from domain.money import Amount
from interfaces.exchanges.candles import Candles, CandlesRefused, Gap, read, read_lines

HEADER = "date,symbol,open,high,low,close,volume_btc,volume"


def row(date: str, *, open: str = "10", symbol: str = "BTCUSD", volume: str = "1") -> str:  # noqa: A002 - the column's name
    return f"{date},{symbol},{open},20,5,12,{volume},12"


def reading(*rows: str) -> Candles:
    return read_lines(f"{line}\n" for line in ("a note", HEADER, *rows))


def hour(number: int, day: int = 1) -> datetime:
    return datetime(2019, 10, day, number, tzinfo=UTC)


def test_rows_are_put_in_order_and_the_misplaced_ones_counted() -> None:
    candles = reading(row("2019-10-01 01-PM"), row("2019-10-01 11-AM"), row("2019-10-01 12-PM"))
    assert [candle.at for candle in candles.rows] == [hour(11), hour(12), hour(13)]
    assert candles.moved == 2
    assert reading(row("2019-10-01 01-AM"), row("2019-10-01 12-AM")).moved == 0


def test_midnight_and_noon_are_twelve() -> None:
    candles = reading(row("2019-10-01 12-PM"), row("2019-10-01 12-AM"))
    assert [candle.at.hour for candle in candles.rows] == [0, 12]


def test_decimals_are_kept_to_the_last_digit() -> None:
    (candle,) = reading(row("2019-10-01", open="10.620000000000000001")).rows
    assert candle.open == Amount.parse("10.620000000000000001", portfolio_asset("USD"))


def test_the_instrument_comes_from_the_symbol_and_the_name_of_the_volume() -> None:
    assert reading(row("2019-10-01")).instrument.id == "btc-usd"
    assert reading(row("2019-10-01", symbol="BTCUSDT")).instrument.id == "btc-usdt"


def test_gaps_say_where_they_begin_and_how_many_candles_are_missing() -> None:
    candles = reading(row("2019-10-01 05-AM"), row("2019-10-01 02-AM"), row("2019-10-01 01-AM"))
    assert candles.gaps == (Gap(at=hour(3), missing=2),)
    assert reading(row("2019-10-02"), row("2019-10-01")).gaps == ()


def test_candles_without_trade_are_reported_and_never_met() -> None:
    rows = (row("2019-10-01 03-AM", volume="0"), row("2019-10-01 02-AM"), row("2019-10-01 01-AM", volume="0"))
    candles = reading(*rows)
    assert candles.idle == (hour(1), hour(3))
    met = candles.meet(hour(1))
    assert met is not None
    assert met.at == hour(2)
    assert candles.meet(hour(2)) == candles.meet(None) == met
    assert candles.meet(hour(2) + timedelta(seconds=1)) is None


@pytest.mark.parametrize(
    ("rows", "line", "why"),
    [
        ([], 2, "no candles"),
        ([row("2019-10-02"), row("2019-10-01"), row("2019-10-02")], 5, "there twice, first on line 3"),
        ([row("2019-10-02"), row("2019-10-01 01-AM")], 4, "mixed"),
        ([row("2019-10-32")], 3, "no day of the calendar"),
        ([row("2019-10-01 13-PM")], 3, "is no YYYY-MM-DD"),
        ([row("\uff12\uff10\uff11\uff19-10-01")], 3, "is no YYYY-MM-DD"),
        ([row("2019-10-01", open="1e1")], 3, "decimal string"),
        ([row("2019-10-01", open="NaN")], 3, "decimal string"),
        ([row("2019-10-01", open="0")], 3, "too small"),
        ([row("2019-10-01", volume="-1")], 3, "too small"),
        ([row("2019-10-01", open="1.0000000000000000001")], 3, "more decimals"),
        ([row("2019-10-01", open="21")], 3, "between low and high"),
        ([row("2019-10-01", symbol="ETHUSD")], 3, "does not begin with 'btc'"),
        ([row("2019-10-01", symbol="BTC")], 3, "symbol 'BTC'"),
        ([row("2019-10-02"), row("2019-10-01", symbol="BTCEUR")], 4, "second symbol"),
        (["2019-10-01,BTCUSD,1"], 3, "3 columns instead of 8"),
    ],
)
def test_what_is_no_candle_is_refused_with_its_line(rows: list[str], line: int, why: str) -> None:
    with pytest.raises(CandlesRefused, match=why) as refused:
        reading(*rows)
    assert refused.value.line == line


@pytest.mark.parametrize("header", ["", HEADER.upper(), HEADER.replace("volume_btc", "volume")])
def test_another_header_is_refused(header: str) -> None:
    with pytest.raises(CandlesRefused, match="the header is not"):
        read_lines(["a note\n", f"{header}\n", row("2019-10-01")])


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "candles.csv"
    path.write_bytes(b"note\n\xff\xfe\x00")
    with pytest.raises(CandlesRefused, match="no text in UTF-8"):
        read(path)


def test_the_real_hours_are_complete_once_they_are_in_order(market_data: Path) -> None:
    candles = read(market_data / "coinbase_btcusd_1h.csv")
    assert (len(candles.rows), candles.moved, candles.gaps, len(candles.idle)) == (20_111, 10, (), 28)
    assert (candles.rows[0].at, candles.rows[-1].at) == (datetime(2017, 7, 1, 11, tzinfo=UTC), hour(9, day=17))
    assert candles.rows[-1].open == Amount.parse("8051", portfolio_asset("USD"))


def test_the_real_days_have_a_gap_and_days_without_trade(market_data: Path) -> None:
    candles = read(market_data / "coinbase_btcusd_1d.csv")
    assert (len(candles.rows), candles.moved, len(candles.idle)) == (1_770, 0, 38)
    assert candles.gaps == (Gap(at=datetime(2019, 3, 20, tzinfo=UTC), missing=12),)
