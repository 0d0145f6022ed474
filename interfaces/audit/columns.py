"""A range of a table against the rows it should have, column by column: PostgreSQL joins each, and so do we.

Two joined columns are equal only if all their values are: as many rows, values of one length or parted by a line feed
that none of ours has. Where they differ, or a type is not known here, rows are compared one by one (models.py).
"""

import json
from array import array
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain
from sys import byteorder
from typing import Any, NamedTuple

from psycopg.sql import SQL

from interfaces.audit.snapshot import MOMENT_ZERO

_MICROSECOND = timedelta(microseconds=1)


Values = tuple[Any, ...]
Part = str | bytes
"""A column, or some of its values, joined."""


class Form(NamedTuple):
    """How a column is joined: by an aggregate of PostgreSQL, and by us."""

    joined_there: SQL
    joined_here: Callable[[Sequence[Any]], Part]


class NotComparable(ValueError):
    """A value that cannot be joined with others so that it would be known again."""


def form_of(kind: str, *, nullable: bool) -> Form | None:
    """Return how a column of a type is joined; None where its rows must be looked at."""
    return _FORMS.get((kind, nullable))


class Joined:
    """Rows in the order of their key, joined column by column as they come, so that they need not be kept.

    Those of a tenant come in order; PostgreSQL has the tenants one after the other.
    """

    def __init__(self, forms: Sequence[Form] | None) -> None:
        self._forms = forms or ()
        self._of_tenants: dict[str, list[list[Part]]] = {}
        self._is_comparable = forms is not None
        self.count = 0

    def take(self, tenant: str, rows: Sequence[Values]) -> None:
        """Add the next rows of a tenant."""
        self.count += len(rows)
        if not rows or not self._is_comparable:
            return
        columns = self._of_tenants.setdefault(tenant, [[] for _ in self._forms])
        try:
            for form, values, parts in zip(self._forms, zip(*rows, strict=True), columns, strict=True):
                parts.append(form.joined_here(values))
        except (NotComparable, TypeError, OverflowError):
            self._is_comparable = False

    def equals(self, live: Sequence[Any]) -> bool:
        """Tell whether a number of rows and their joined columns are those of all rows. False may be wrong."""
        count, *columns = live
        return self._is_comparable and count == self.count and (not count or columns == self.columns())

    def columns(self) -> list[Part]:
        """Return the joined columns."""
        tenants = [self._of_tenants[tenant] for tenant in sorted(self._of_tenants, key=str.encode)]
        return [_whole(parts) for parts in zip(*tenants, strict=True)]


def _whole(parts: Sequence[Sequence[Part]]) -> Part:
    joined = list(chain.from_iterable(parts))
    if isinstance(joined[0], bytes):
        return b"".join(part for part in joined if isinstance(part, bytes))
    return "\n".join(part for part in joined if isinstance(part, str))


def _texts(values: Sequence[str]) -> str:
    joined = "\n".join(values)
    if joined.count("\n") != len(values) - 1:
        raise NotComparable
    return joined


def _optional(values: Sequence[str | None]) -> str:
    return _texts(["" if value is None else f"={value}" for value in values])


def _numbers(values: Sequence[int]) -> bytes:
    numbers = array("q", values)
    if byteorder == "little":
        numbers.byteswap()
    return numbers.tobytes()


def _moments(values: Sequence[datetime]) -> bytes:
    return _numbers([_moment(value) for value in values])


@lru_cache(maxsize=4_096)
def _moment(time: datetime) -> int:
    return (time - MOMENT_ZERO) // _MICROSECOND


def _objects(values: Sequence[Mapping[str, str]]) -> str:
    return _texts([_object(value) if value else "{}" for value in values])


def _object(value: Mapping[str, str]) -> str:
    """Write an object of texts as PostgreSQL does: shorter keys first, then by their bytes."""
    keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
    return json.dumps({key: value[key] for key in keys}, ensure_ascii=False)


_TEXT, _OPTIONAL = SQL(r"string_agg({}::text, E'\n')"), SQL(r"string_agg(coalesce('=' || {}, ''), E'\n')")
_NUMBER, _MOMENT = SQL("string_agg(int8send({}), '')"), SQL("string_agg(timestamptz_send({}), '')")
_FORMS: Mapping[tuple[str, bool], Form] = {
    ("text", False): Form(_TEXT, _texts),
    ("text", True): Form(_OPTIONAL, _optional),
    ("numeric", False): Form(_TEXT, _texts),
    ("numeric", True): Form(_OPTIONAL, _optional),
    ("bigint", False): Form(_NUMBER, _numbers),
    ("integer", False): Form(_NUMBER, _numbers),
    ("smallint", False): Form(_NUMBER, _numbers),
    ("timestamp with time zone", False): Form(_MOMENT, _moments),
    ("jsonb", False): Form(_TEXT, _objects),
}
