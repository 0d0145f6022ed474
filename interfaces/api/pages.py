"""Lists and the JSON form of what read models answer: amounts as decimal strings, times in UTC."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, TypeVar

from fastapi import Query

from domain.money import Amount
from projections.reading import Page

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=500, description="how many items at most")]
Cursor = Annotated[str | None, Query(max_length=4_096, description="`next_cursor` of the page before")]


def shown(page: Page[T], show: Callable[[T], Any] | None = None) -> dict[str, Any]:
    """Return a page as the API shows lists."""
    make = show or plain
    return {"items": [make(item) for item in page.items], "next_cursor": page.next_cursor}


def plain(value: Any) -> Any:  # noqa: ANN401 - values of every read model
    """Return the JSON form of a value: an amount is {"value", "asset"}; `log_position` stays a number."""
    match value:
        case Amount():
            return {"value": value.format_plain(), "asset": value.asset.code}
        case Enum():
            return value.value
        case datetime() | None | str() | int():
            return value
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case tuple() | list():
            return [plain(item) for item in value]
        case _ if is_dataclass(value):
            return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            raise TypeError(type(value))
