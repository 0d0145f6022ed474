from dataclasses import replace

import pytest

from domain import assets, currencies
from domain.assets import (
    CREDIT,
    INITIAL,
    SEEDED,
    AssetDiffers,
    AssetRegistered,
    AssetRegistry,
    MalformedAsset,
    RegisterAsset,
    UnknownAsset,
    coin,
    fiat,
    usual,
)
from domain.ledger.accounts import Realm
from domain.money import Asset
from tests.domain.given import given

BTC = AssetRegistered(asset="BTC", company_scale=18, memo_scale=18, portfolio_scale=18)
USD = AssetRegistered(asset="USD", company_scale=2, memo_scale=2, portfolio_scale=18)


def test_a_coin_has_scale_18_everywhere() -> None:
    given(assets).when(coin("BTC")).then(BTC)


def test_a_currency_has_its_iso_scale_except_in_portfolios() -> None:
    given(assets).when(fiat("USD")).then(USD)
    given(assets).when(fiat("JPY")).then(replace(USD, asset="JPY", company_scale=0, memo_scale=0))


def test_the_same_registration_again_is_nothing_to_do() -> None:
    given(assets, BTC).when(coin("BTC")).nothing()


@pytest.mark.parametrize("realm", ["company_scale", "memo_scale", "portfolio_scale"])
def test_a_scale_never_changes(realm: str) -> None:
    other = {"company_scale": 18, "memo_scale": 18, "portfolio_scale": 18, realm: 8}
    given(assets, BTC).when(RegisterAsset(asset="BTC", **other)).raises(AssetDiffers, asset="BTC")


@pytest.mark.parametrize("code", ["", "btc", "BTC ", "BTC\n", "BTC-PERP", "É", "A" * 21])
def test_a_code_has_1_to_20_capitals_and_digits(code: str) -> None:
    given(assets).when(coin(code)).raises(MalformedAsset, asset=code)


@pytest.mark.parametrize("scale", [-1, 19])
def test_a_scale_is_0_to_18(scale: int) -> None:
    for command in (
        RegisterAsset(asset="X", company_scale=scale, memo_scale=2, portfolio_scale=2),
        RegisterAsset(asset="X", company_scale=2, memo_scale=scale, portfolio_scale=2),
        RegisterAsset(asset="X", company_scale=2, memo_scale=2, portfolio_scale=scale),
    ):
        given(assets).when(command).raises(MalformedAsset)


def test_a_code_met_at_a_venue_is_a_currency_where_iso_knows_it_and_a_coin_otherwise() -> None:
    assert usual("BRL") == fiat("BRL")
    assert usual("PEPE") == coin("PEPE")


def test_the_common_assets_are_seeded_and_credit_is_whole() -> None:
    codes = {command.asset for command in SEEDED}
    assert codes >= {
        "USD",
        "BRL",
        "EUR",
        "GBP",
        "JPY",
        "CHF",
        "BTC",
        "ETH",
        "USDT",
        "USDC",
        "BNB",
        "SOL",
        "XRP",
        "CREDIT",
    }
    assert len(codes) == len(SEEDED)
    assert (CREDIT.company_scale, CREDIT.memo_scale, CREDIT.portfolio_scale) == (0, 0, 0)
    for command in SEEDED:
        given(assets).when(command).then(
            AssetRegistered(**{name: getattr(command, name) for name in command.__slots__})
        )


def test_every_currency_can_be_registered() -> None:
    for code in currencies.DECIMALS:
        assert len(assets.decide(INITIAL, fiat(code))) == 1


def test_the_registry_knows_an_asset_at_the_scale_of_a_realm() -> None:
    registry = AssetRegistry().adding(USD).adding(BTC)
    assert registry.find(Realm.COMPANY, "USD") == Asset("USD", 2)
    assert registry.find(Realm.MEMO, "USD") == Asset("USD", 2)
    assert registry.find(Realm.PORTFOLIO, "USD") == Asset("USD", 18)
    assert registry.find(Realm.COMPANY, "BTC") == Asset("BTC", 18)


def test_the_registry_does_not_know_other_assets() -> None:
    with pytest.raises(UnknownAsset) as raised:
        AssetRegistry().adding(USD).find(Realm.COMPANY, "DOGE")
    assert raised.value.data == {"asset": "DOGE"}


def test_the_registry_keeps_the_first_scales_of_an_asset() -> None:
    registry = AssetRegistry().adding(BTC).adding(replace(BTC, company_scale=8))
    assert registry.find(Realm.COMPANY, "BTC") == Asset("BTC", 18)
