"""Assets: a code and one scale per realm, registered once, never changed. What does not fit is refused, not rounded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, assert_never

from domain import currencies
from domain.errors import Invalid, Refused
from domain.ledger.accounts import Realm
from domain.money import MAX_SCALE, Asset, asset_of

COIN_SCALE = MAX_SCALE
"""The finest scale any venue uses: every coin has it everywhere, and every asset has it in portfolios."""

_CODE = re.compile(r"[A-Z0-9]{1,20}", re.ASCII)


@dataclass(kw_only=True, eq=False)
class MalformedAsset(Invalid):
    """A code is 1 to 20 of A-Z and 0-9; scales are 0 to 18."""

    code: ClassVar[str] = "malformed_asset"
    sentence: ClassVar[str] = "An asset's code has 1 to 20 capital letters and digits, and its scales are 0 to 18."
    asset: str


@dataclass(kw_only=True, eq=False)
class UnknownAsset(Invalid):
    """No asset of that code is registered."""

    code: ClassVar[str] = "unknown_asset"
    sentence: ClassVar[str] = "The asset is not registered."
    asset: str


@dataclass(kw_only=True, eq=False)
class AssetDiffers(Refused):
    """The code is registered with other scales, which never change."""

    code: ClassVar[str] = "asset_differs"
    sentence: ClassVar[str] = "The asset is registered with other scales."
    asset: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterAsset:
    """Register an asset with its scale in the company's books, in memo accounts and in portfolios."""

    asset: str
    company_scale: int
    memo_scale: int
    portfolio_scale: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetRegistered:
    """An asset exists."""

    asset: str
    company_scale: int
    memo_scale: int
    portfolio_scale: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unregistered:
    """The code is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """An asset and its scales."""

    asset: str
    company_scale: int
    memo_scale: int
    portfolio_scale: int

    def at(self, realm: Realm) -> Asset:
        """Return the asset at its scale in a realm."""
        match realm:
            case Realm.COMPANY:
                return asset_of(self.asset, self.company_scale)
            case Realm.MEMO:
                return asset_of(self.asset, self.memo_scale)
            case Realm.PORTFOLIO:
                return asset_of(self.asset, self.portfolio_scale)
            case _:
                assert_never(realm)


State = Unregistered | Registered
INITIAL: State = Unregistered()


def coin(code: str) -> RegisterAsset:
    """Return the command that registers a coin."""
    return RegisterAsset(asset=code, company_scale=COIN_SCALE, memo_scale=COIN_SCALE, portfolio_scale=COIN_SCALE)


def fiat(code: str) -> RegisterAsset:
    """Return the command that registers a currency of ISO 4217 at its scale."""
    scale = currencies.DECIMALS[code]
    return RegisterAsset(asset=code, company_scale=scale, memo_scale=scale, portfolio_scale=COIN_SCALE)


def usual(code: str) -> RegisterAsset:
    """Return the command for a code met at a venue: a currency where ISO 4217 knows it, else a coin."""
    return fiat(code) if code in currencies.DECIMALS else coin(code)


CREDIT = RegisterAsset(asset="CREDIT", company_scale=0, memo_scale=0, portfolio_scale=0)
"""Whole units that are bought and used, and are no money: they occur in memo accounts only."""

SEEDED: tuple[RegisterAsset, ...] = (
    *(fiat(code) for code in ("BRL", "CHF", "EUR", "GBP", "JPY", "USD")),
    *(coin(code) for code in ("ADA", "BNB", "BTC", "DOGE", "ETH", "LTC", "SOL", "USDC", "USDT", "XRP")),
    CREDIT,
)
"""The common assets, there from the start; others come by `lastro asset add` or when a venue names them."""


@dataclass(frozen=True, slots=True)
class AssetRegistry:
    """Every registered asset by its code: the pure look-up that (realm, code) → asset needs."""

    assets: Mapping[str, Registered] = field(default_factory=dict)

    def find(self, realm: Realm, code: str) -> Asset:
        """Return an asset at its scale in a realm. Raises `UnknownAsset`."""
        registered = self.assets.get(code)
        if registered is None:
            raise UnknownAsset(asset=code[:64])
        return registered.at(realm)

    def adding(self, event: AssetRegistered) -> "AssetRegistry":
        """Return the registry with one more asset; one that is there already never changes."""
        registered = self.assets.get(event.asset) or _registered(event)
        return AssetRegistry({**self.assets, event.asset: registered})


def decide(state: State, command: RegisterAsset) -> tuple[AssetRegistered, ...]:
    """Register an asset; the same again is nothing to do."""
    scales = (command.company_scale, command.memo_scale, command.portfolio_scale)
    if _CODE.fullmatch(command.asset) is None or not all(0 <= scale <= COIN_SCALE for scale in scales):
        raise MalformedAsset(asset=command.asset[:64])
    match state:
        case Registered():
            if scales != (state.company_scale, state.memo_scale, state.portfolio_scale):
                raise AssetDiffers(asset=command.asset)
            return ()
        case Unregistered():
            company, memo, portfolio = scales
            return (
                AssetRegistered(asset=command.asset, company_scale=company, memo_scale=memo, portfolio_scale=portfolio),
            )
        case _:
            assert_never(state)


def evolve(state: State, event: AssetRegistered) -> State:  # noqa: ARG001 - every decider has this shape
    """Take over an asset's scales."""
    return _registered(event)


def _registered(event: AssetRegistered) -> Registered:
    return Registered(
        asset=event.asset,
        company_scale=event.company_scale,
        memo_scale=event.memo_scale,
        portfolio_scale=event.portfolio_scale,
    )
