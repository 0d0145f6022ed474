"""Fees and limits of withdrawals per asset, as they are configured; what is in force is copied into each withdrawal.

An asset that is not listed is not paid out.
"""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.money import Amount, Asset
from domain.withdrawals.errors import AssetNotWithdrawable
from domain.withdrawals.terms import Terms

DecimalText = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,19})(\.[0-9]{1,18})?$", strict=True)]


class AssetTerms(BaseModel):
    """What is in force for one asset, in decimal strings of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fee: DecimalText
    minimum: DecimalText
    per_request: DecimalText
    per_day: DecimalText
    second_person_above: DecimalText | None = None

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if not Decimal(self.fee) < Decimal(self.minimum) <= Decimal(self.per_request) <= Decimal(self.per_day):
            raise ValueError("fee < minimum <= per_request <= per_day must hold")
        return self

    def of(self, asset: Asset, *, requests_per_day: int, withholding_bps: int) -> Terms:
        """Return the terms as the domain has them."""
        above = self.second_person_above
        return Terms(
            fee=Amount.parse(self.fee, asset),
            minimum=Amount.parse(self.minimum, asset),
            per_request=Amount.parse(self.per_request, asset),
            per_day=Amount.parse(self.per_day, asset),
            requests_per_day=requests_per_day,
            second_person_above=None if above is None else Amount.parse(above, asset),
            withholding_bps=withholding_bps,
        )


def _terms(fee: str, minimum: str, *most: str) -> AssetTerms:
    per_request, per_day, second_person_above = most
    return AssetTerms(
        fee=fee,
        minimum=minimum,
        per_request=per_request,
        per_day=per_day,
        second_person_above=second_person_above,
    )


DEFAULTS = {
    "BRL": _terms("2.00", "10.00", "25000.00", "50000.00", "10000.00"),
    "USD": _terms("2.00", "10.00", "5000.00", "10000.00", "2000.00"),
    "EUR": _terms("2.00", "10.00", "5000.00", "10000.00", "2000.00"),
    "BTC": _terms("0.0005", "0.001", "0.1", "0.2", "0.05"),
    "ETH": _terms("0.002", "0.01", "2", "4", "1"),
    "USDT": _terms("5", "20", "5000", "10000", "2000"),
    "USDC": _terms("5", "20", "5000", "10000", "2000"),
}


def terms_of(configured: dict[str, AssetTerms], asset: Asset, *, requests_per_day: int, withholding_bps: int) -> Terms:
    """Return the terms in force for an asset. Raises `AssetNotWithdrawable`."""
    if asset.code not in configured:
        raise AssetNotWithdrawable(asset=asset.code, at=("amount", "asset"))
    return configured[asset.code].of(asset, requests_per_day=requests_per_day, withholding_bps=withholding_bps)
