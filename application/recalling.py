"""The schema of an event that was checked when it was appended: it reads the same value and asks fewer questions.

Left out are the rules of an entry's own form and balance and the patterns of quantities: half of what decoding costs.
Names, types and unknown fields are still looked at. `audit verify` and the live read models decode in full.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from pydantic_core import core_schema as cs

from application.wire import read_amount, read_posting, utc
from domain.ledger.entry import Posting
from domain.money import Amount, asset_of

_make = object.__new__
_set_units, _set_asset = (vars(Amount)[name].__set__ for name in ("units", "asset"))
_set_account, _set_amount = (vars(Posting)[name].__set__ for name in ("account", "amount"))


def relaxed(schema: Any) -> Any:
    """Return a schema of `wire.schema_of` with the questions left out that `append()` had answered."""
    if isinstance(schema, list):
        return [relaxed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kind = schema.get("type")
    if kind == "function-after" and (shorter := _SHORTER.get(schema["function"]["function"])) is not None:
        return shorter
    parts = {name: relaxed(part) for name, part in schema.items() if (kind, name) != ("str", "pattern")}
    return {**parts, "post_init": False} if kind == "dataclass" else parts


def _amount(data: Mapping[str, str]) -> Amount:
    return _money(data["value"], data["asset"])


def _posting(data: Mapping[str, str]) -> Posting:
    posting = _make(Posting)
    _set_account(posting, data["account"])
    _set_amount(posting, _money(data["amount"], data["asset"]))
    return posting


def _money(value: str, code: str) -> Amount:
    """Fill the slots one by one: the initialiser of a frozen dataclass takes twice as long."""
    whole, _, decimals = value.partition(".")
    amount = _make(Amount)
    _set_units(amount, int(whole + decimals))
    _set_asset(amount, asset_of(code, len(decimals)))
    return amount


@lru_cache(maxsize=1_024)
def _time(text: str) -> datetime:
    """Return a time in UTC; those of an entry are mostly one and the same."""
    return utc(datetime.fromisoformat(text))


_TEXTS = cs.dict_schema(cs.str_schema(), cs.str_schema())
_SHORTER: Mapping[Any, cs.CoreSchema] = {
    read_amount: cs.no_info_after_validator_function(_amount, _TEXTS),
    read_posting: cs.no_info_after_validator_function(_posting, _TEXTS),
    utc: cs.no_info_after_validator_function(_time, cs.str_schema(strict=True)),
}
