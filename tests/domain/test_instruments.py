import pytest

from domain.instruments import InvalidInstrument, parse, portfolio_asset


def test_an_instrument_is_named_by_base_and_quote() -> None:
    instrument = parse("btc-usd")
    assert (instrument.base, instrument.quote, instrument.perpetual) == (
        portfolio_asset("BTC"),
        portfolio_asset("USD"),
        False,
    )


def test_a_third_segment_names_a_perpetual() -> None:
    assert parse("btc-usdt-perp").perpetual
    assert not parse("perp-usdt").perpetual
    assert parse("btc-perp").quote.code == "PERP"


def test_fiat_has_the_scale_of_the_portfolio_realm_too() -> None:
    assert parse("btc-usd").quote.scale == 18


@pytest.mark.parametrize(
    "text",
    ["", "btc", "BTC-USD", "btc/usd", "btc:usd", "btc-usd-swap", "btc-usd-perp-perp", "btc-btc", "-usd", "btc-",
     "btc-usd\n", "btc\uff0dusd", "b" * 21 + "-usd", "bt\u0441-usd"],
)  # fmt: skip
def test_any_other_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidInstrument):
        parse(text)
