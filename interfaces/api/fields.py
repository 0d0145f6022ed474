"""The types of fields in bodies and parameters: what a request alone must show. Numbers are never amounts."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from domain.ledger.entry import MAX_METADATA, MAX_NOTE, MAX_REFERENCE

_UNSIGNED = r"^(0|[1-9][0-9]{0,19})(\.[0-9]{1,18})?$"
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})")
_PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
_SIGNED = r"^-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,18})?$"


def _canonical(text: str) -> str:
    """Drop needless zeros, so that "10.0" and "10.00" are the same request."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def _not_zero(text: str) -> str:
    if not text.strip("-0."):
        raise ValueError("must not be zero")
    return text


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be within the years 1 to 9999 in UTC") from None


def _rfc_3339(value: object) -> object:
    if not isinstance(value, str) or _TIME.fullmatch(value) is None:
        raise ValueError("must be a time in RFC 3339 with its offset, as text")
    return value


def _sorted(pairs: dict[str, str]) -> dict[str, str]:
    return dict(sorted(pairs.items()))


SignedAmount = Annotated[
    str,
    Field(pattern=_SIGNED, strict=True, examples=["-12.50"]),
    AfterValidator(_canonical),
    AfterValidator(_not_zero),
]
UnsignedAmount = Annotated[
    str,
    Field(pattern=_UNSIGNED, strict=True, examples=["12.50"]),
    AfterValidator(_canonical),
    AfterValidator(_not_zero),
]
AssetCode = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,20}$", examples=["USD"])]
AccountPath = Annotated[
    str,
    Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}(:[a-z0-9][a-z0-9_-]{0,63}){1,7}$", examples=["assets:psp:stripe"]),
]
Id = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", examples=["0b9d1ac3bb7e4f0e9d2b7f2f2c8f1a11"])]
Time = Annotated[
    AwareDatetime, BeforeValidator(_rfc_3339), AfterValidator(_utc), Field(examples=["2026-11-20T12:00:00Z"])
]
Kind = Annotated[str, Field(pattern=r"^[a-z_]{1,40}$", examples=["top_up"])]
Reference = Annotated[str, Field(min_length=1, max_length=MAX_REFERENCE, pattern=_PRINTABLE, examples=["invoice 17"])]
Note = Annotated[str, Field(max_length=MAX_NOTE, examples=["by hand"])]
Metadata = Annotated[dict[str, str], Field(max_length=MAX_METADATA), AfterValidator(_sorted)]


class Body(BaseModel):
    """A request's body: closed, so that a misspelt field is an error and not a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def canonical(self) -> object:
        """Return what the body says, whatever way it is written: the part of the input hash that the body makes."""
        return self.model_dump(mode="json", exclude_none=True)


class Shown(BaseModel):
    """A part of an answer; it documents and is never used to validate."""


class Money(Body):
    """An amount of money, unsigned."""

    value: UnsignedAmount
    asset: AssetCode


class Level(Body):
    """An amount that may be nothing."""

    value: Annotated[str, Field(pattern=_UNSIGNED, strict=True, examples=["12.00"]), AfterValidator(_canonical)]
    asset: AssetCode


class ShownMoney(Shown):
    """An amount in an answer."""

    value: str = Field(examples=["12.50"])
    asset: str = Field(examples=["USD"])
