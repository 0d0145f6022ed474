"""Errors of the domain: each is a broken rule, carries the numbers that broke it, and says what kind of rule it is.

They know no status code and no wire format; whoever renders them looks at the four kinds below.
"""

from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import Enum
from typing import ClassVar, Protocol, runtime_checkable

Data = dict[str, object]


@runtime_checkable
class HasData(Protocol):
    """A value that can show itself as JSON: an amount."""

    def as_data(self) -> object:
        """Return JSON values only."""


@dataclass(kw_only=True, eq=False)
class DomainError(Exception):
    """A broken rule. `code` names it for machines, the sentence is for people, `data` holds what led to it.

    `at` is the path of the offending value inside the command, where one value offends.
    """

    code: ClassVar[str] = "domain_error"
    sentence: ClassVar[str] = "A rule of the domain is broken."
    at: tuple[str | int, ...] = ()

    @property
    def data(self) -> Data:
        """The fields as JSON values, without `at`."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self) if field.name != "at"}

    def __str__(self) -> str:
        return self.sentence


@dataclass(kw_only=True, eq=False)
class Invalid(DomainError):
    """The request alone shows it."""


@dataclass(kw_only=True, eq=False)
class Refused(DomainError):
    """The state of the world forbids it. A refusal leaves a receipt and is as final as a success."""


@dataclass(kw_only=True, eq=False)
class NotFound(DomainError):
    """The thing does not exist for whoever asked."""


@dataclass(kw_only=True, eq=False)
class Forbidden(DomainError):
    """Whoever asked may not do it."""


def _plain(value: object) -> object:
    match value:
        case HasData():
            return value.as_data()
        case Enum():
            return value.value
        case datetime() | date():
            return value.isoformat()
        case tuple() | list() | frozenset():
            return [_plain(item) for item in value]
        case _:
            return value
