"""The JSON form of domain types, built from their annotations for pydantic-core: strict, closed, the same both ways.

Quantities are strings with their full scale, so that decoding needs no registry; numbers, booleans and exponents are
refused where a quantity stands. An unknown field, a missing field without default, or a wrong type is an error.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, NewType, Union, get_args, get_origin, get_type_hints

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema as cs

from domain.ids import AccountPath
from domain.ledger.entry import Posting
from domain.money import Amount, asset_of

_QUANTITY = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"


def schema_of(annotation: Any) -> cs.CoreSchema:
    """Return the schema of a type that may occur in an event or a state; raise `TypeError` for any other."""
    if annotation in _LEAVES:
        return _LEAVES[annotation]()
    if isinstance(annotation, NewType):
        return schema_of(annotation.__supertype__)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return _optional(arguments) if NoneType in arguments else _union(arguments)
    if origin is Literal:
        return cs.literal_schema(list(arguments))
    if origin is tuple:
        return _tuple(arguments)
    if origin is Mapping:
        return _mapping(*arguments)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _enum(annotation)
    if isinstance(annotation, type) and is_dataclass(annotation):
        return _dataclass(annotation)
    if isinstance(annotation, type) and issubclass(annotation, tuple):
        return _named_tuple(annotation)
    raise TypeError(annotation)


def _optional(arguments: tuple[Any, ...]) -> cs.CoreSchema:
    inner = tuple(argument for argument in arguments if argument is not NoneType)
    return cs.nullable_schema(schema_of(Union[inner]))  # noqa: UP007 - made of a tuple


def _union(choices: tuple[Any, ...]) -> cs.CoreSchema:
    """States are unions of small dataclasses; the class's name tells them apart: {"is": name, "value": {...}}."""
    tagged = cs.tagged_union_schema(
        {
            choice.__name__: cs.typed_dict_schema(
                {
                    "is": cs.typed_dict_field(cs.literal_schema([choice.__name__])),
                    "value": cs.typed_dict_field(schema_of(choice)),
                },
                extra_behavior="forbid",
            )
            for choice in choices
        },
        discriminator="is",
    )
    return cs.no_info_after_validator_function(
        lambda data: data["value"],
        tagged,
        serialization=cs.plain_serializer_function_ser_schema(
            lambda value: {"is": type(value).__name__, "value": value}, return_schema=tagged
        ),
    )


def _mapping(key: Any, value: Any) -> cs.CoreSchema:
    """Text keys make an object; keys of several parts make a list of [key, value] pairs, in the order of the keys."""
    if key is str or getattr(key, "__supertype__", None) is str:
        return cs.dict_schema(schema_of(key), schema_of(value), strict=True)
    pairs = cs.tuple_variable_schema(cs.tuple_positional_schema([schema_of(key), schema_of(value)]))
    return cs.no_info_after_validator_function(
        dict, pairs, serialization=cs.plain_serializer_function_ser_schema(_sorted_pairs, return_schema=pairs)
    )


def _sorted_pairs(mapping: Mapping[Any, Any]) -> tuple[tuple[Any, Any], ...]:
    return tuple(sorted(mapping.items()))


def _named_tuple(cls: type) -> cs.CoreSchema:
    parts = cs.tuple_positional_schema([schema_of(hint) for hint in get_type_hints(cls).values()])
    return cs.no_info_after_validator_function(lambda values: cls(*values), parts)


def _tuple(arguments: tuple[Any, ...]) -> cs.CoreSchema:
    if arguments[-1] is ...:
        return cs.tuple_variable_schema(schema_of(arguments[0]))
    return cs.tuple_positional_schema([schema_of(argument) for argument in arguments])


def _enum(cls: type[Enum]) -> cs.CoreSchema:
    by_value = {member.value: member for member in cls}
    return cs.no_info_after_validator_function(
        by_value.__getitem__,
        cs.literal_schema(list(by_value)),
        serialization=cs.plain_serializer_function_ser_schema(lambda member: member.value),
    )


@cache
def _dataclass(cls: type) -> cs.CoreSchema:
    hints = get_type_hints(cls)
    described = []
    for field in fields(cls):
        schema = schema_of(hints[field.name])
        if field.default is not MISSING:
            schema = cs.with_default_schema(schema, default=field.default)
        elif field.default_factory is not MISSING:
            schema = cs.with_default_schema(schema, default_factory=field.default_factory)
        described.append(cs.dataclass_field(field.name, schema, kw_only=True))
    return cs.dataclass_schema(
        cls,
        cs.dataclass_args_schema(cls.__name__, described, extra_behavior="forbid"),
        [field.name for field in fields(cls)],
        slots="__slots__" in vars(cls),
        frozen=True,
        post_init=hasattr(cls, "__post_init__"),
        strict=True,
    )


def read_amount(data: Mapping[str, str]) -> Amount:
    """Return the amount that an object of the form of money says."""
    return _amount(data["value"], data["asset"])


def read_posting(data: Mapping[str, str]) -> Posting:
    """Return the posting that an object says."""
    return Posting(account=AccountPath(data["account"]), amount=_amount(data["amount"], data["asset"]))


def _amount(value: str, code: str) -> Amount:
    whole, _, decimals = value.partition(".")
    units = int(whole + decimals)
    if not units and value.startswith("-"):
        raise ValueError(value)
    return Amount(units, asset_of(code, len(decimals)))


def _quantity_schema(value_name: str) -> cs.TypedDictSchema:
    return cs.typed_dict_schema(
        {
            value_name: cs.typed_dict_field(cs.str_schema(pattern=_QUANTITY, strict=True)),
            "asset": cs.typed_dict_field(cs.str_schema(pattern="^[A-Z0-9]{1,20}$", strict=True)),
        },
        extra_behavior="forbid",
    )


def _amount_schema() -> cs.CoreSchema:
    return cs.no_info_after_validator_function(
        read_amount,
        _quantity_schema("value"),
        serialization=cs.plain_serializer_function_ser_schema(
            lambda amount: {"value": amount.format_full(), "asset": amount.asset.code}
        ),
    )


def _posting_schema() -> cs.CoreSchema:
    form = _quantity_schema("amount")
    form["fields"] = {"account": cs.typed_dict_field(cs.str_schema(strict=True)), **form["fields"]}
    return cs.no_info_after_validator_function(
        read_posting,
        form,
        serialization=cs.plain_serializer_function_ser_schema(
            lambda posting: {
                "account": posting.account,
                "asset": posting.amount.asset.code,
                "amount": posting.amount.format_full(),
            }
        ),
    )


def utc(value: datetime) -> datetime:
    """Return a time with an offset in UTC."""
    if value.tzinfo is None:
        raise ValueError(value)
    return value.astimezone(UTC)


def _datetime_schema() -> cs.CoreSchema:
    return cs.no_info_after_validator_function(
        utc, cs.datetime_schema(tz_constraint="aware", microseconds_precision="error", strict=True)
    )


def json_schema_of(annotation: Any) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of what `schema_of` reads and writes."""
    return GenerateJsonSchema().generate(schema_of(annotation))


_LEAVES: dict[Any, Callable[[], cs.CoreSchema]] = {
    str: lambda: cs.str_schema(strict=True),
    int: lambda: cs.int_schema(strict=True),
    bool: lambda: cs.bool_schema(strict=True),
    datetime: _datetime_schema,
    date: lambda: cs.date_schema(strict=True),
    Amount: _amount_schema,
    Posting: _posting_schema,
}
