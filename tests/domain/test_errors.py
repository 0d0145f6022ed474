from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from inspect import getmembers, isclass
from typing import ClassVar

import pytest

from domain import assets, claims, connections, instruments, money, tenants, users
from domain.errors import DomainError, Forbidden, Invalid, NotFound, Refused
from domain.ledger import accounts, book, entry, manual
from domain.money import Asset, AssetMismatch


class Colour(StrEnum):
    RED = "red"


@dataclass(kw_only=True, eq=False)
class TooRed(Refused):
    code: ClassVar[str] = "too_red"
    sentence: ClassVar[str] = "It is too red."
    colour: Colour
    amount: money.Amount
    at_time: datetime
    day: date
    seen: tuple[Colour, ...]
    most: int = 3


BROKEN = TooRed(
    colour=Colour.RED,
    amount=Asset("USD", 2).amount(1250),
    at_time=datetime(2026, 11, 20, 12, tzinfo=UTC),
    day=date(2026, 11, 20),
    seen=(Colour.RED,),
    at=("colour",),
)


def test_an_error_carries_its_numbers_as_json() -> None:
    assert BROKEN.data == {
        "colour": "red",
        "amount": {"value": "12.50", "asset": "USD"},
        "at_time": "2026-11-20T12:00:00+00:00",
        "day": "2026-11-20",
        "seen": ["red"],
        "most": 3,
    }


def test_an_error_says_its_sentence() -> None:
    assert str(BROKEN) == "It is too red."


def test_an_error_says_where() -> None:
    assert BROKEN.at == ("colour",)


def errors() -> list[type[DomainError]]:
    modules = (accounts, assets, book, claims, connections, entry, instruments, manual, money, tenants, users)
    found = {cls for module in modules for _, cls in getmembers(module, isclass) if issubclass(cls, DomainError)}
    return sorted(found - {DomainError, Forbidden, Invalid, NotFound, Refused}, key=lambda cls: cls.__name__)


@pytest.mark.parametrize("error", errors(), ids=lambda error: error.__name__)
def test_every_error_is_of_one_kind_and_has_a_code_and_a_sentence(error: type[DomainError]) -> None:
    kinds = [kind for kind in (Forbidden, Invalid, NotFound, Refused) if issubclass(error, kind)]
    assert len(kinds) == (0 if error is AssetMismatch else 1)
    assert error.code != DomainError.code
    assert error.code.replace("_", "").isalnum()
    assert error.sentence != DomainError.sentence
    assert error.sentence.endswith(".")


def test_no_two_errors_share_a_code() -> None:
    codes = [error.code for error in errors()]
    assert len(set(codes)) == len(codes)
