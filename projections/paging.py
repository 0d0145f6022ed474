"""Pages of lists: opaque cursors. A cursor says where the last page ended and is no secret; a forged one is refused."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from domain.errors import Invalid
from projections.reading import Page

T = TypeVar("T")

MOST_ITEMS = 500
FIRST = 0
LAST = 2**63 - 1
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(kw_only=True, eq=False)
class MalformedCursor(Invalid):
    """The cursor is not one that an earlier page gave."""

    code: ClassVar[str] = "malformed_cursor"
    sentence: ClassVar[str] = "The cursor is not the next_cursor of an earlier page of this list."


def write_cursor(*parts: object) -> str:
    """Return the opaque form of where a page ended: integers, texts and lists of them."""
    return urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, *first: Any) -> list[Any]:
    """Return the parts of a cursor, or `first` without one. Raises `MalformedCursor` unless they are of equal types."""
    if cursor is None:
        return list(first)
    try:
        parts = json.loads(urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        raise MalformedCursor(at=("cursor",)) from None
    if not isinstance(parts, list) or [type(part) for part in parts] != [type(part) for part in first]:
        raise MalformedCursor(at=("cursor",))
    if any(isinstance(part, int) and not 0 <= part <= LAST for part in parts):
        raise MalformedCursor(at=("cursor",))
    if any(isinstance(part, str) and _UNSTORABLE.search(part) for part in parts):
        raise MalformedCursor(at=("cursor",))
    return parts


def page_of(
    found: Sequence[T], *, limit: int, log_position: int, cursor_of: Callable[[T], Sequence[object]]
) -> Page[T]:
    """Make a page of what was found with one more than `limit` asked for."""
    assert 1 <= limit <= MOST_ITEMS, limit
    items = tuple(found[:limit])
    more = len(found) > limit
    return Page(
        items=items, next_cursor=write_cursor(*cursor_of(items[-1])) if more else None, log_position=log_position
    )
