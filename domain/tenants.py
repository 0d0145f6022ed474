"""Tenants: an installation's separate customers. Their settings are facts; nothing crosses from one to another."""

import re
from dataclasses import dataclass
from typing import ClassVar, assert_never

from domain.errors import Invalid, NotFound, Refused

_NAME = re.compile(r"[a-z][a-z0-9]{1,31}", re.ASCII)
SYSTEM = "system"


@dataclass(kw_only=True, eq=False)
class MalformedTenantName(Invalid):
    """A name is 2 to 32 of a-z and 0-9, begins with a letter, and is not `system`."""

    code: ClassVar[str] = "malformed_tenant_name"
    sentence: ClassVar[str] = (
        "A tenant's name has 2 to 32 lower-case letters and digits, begins with a letter and is not system."
    )
    name: str


@dataclass(kw_only=True, eq=False)
class TenantExists(Refused):
    """The name is taken."""

    code: ClassVar[str] = "tenant_exists"
    sentence: ClassVar[str] = "The tenant exists already."
    name: str


@dataclass(kw_only=True, eq=False)
class UnknownTenant(NotFound):
    """There is no such tenant."""

    code: ClassVar[str] = "unknown_tenant"
    sentence: ClassVar[str] = "There is no such tenant."
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTenant:
    """Create a tenant. With `open_registration` strangers may register; with `auto_approve` they are active at once."""

    name: str
    open_registration: bool = False
    auto_approve: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantCreated:
    """A tenant exists."""

    name: str
    open_registration: bool
    auto_approve: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NoTenant:
    """The name is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A tenant and its settings."""

    name: str
    open_registration: bool
    auto_approve: bool


State = NoTenant | Tenant
INITIAL: State = NoTenant()


def is_name(text: str) -> bool:
    """Tell whether a text has the form of a tenant's name."""
    return _NAME.fullmatch(text) is not None and text != SYSTEM


def decide(state: State, command: CreateTenant) -> tuple[TenantCreated, ...]:
    """Create a tenant whose name is free."""
    if not is_name(command.name):
        raise MalformedTenantName(name=command.name, at=("name",))
    match state:
        case Tenant():
            raise TenantExists(name=command.name)
        case NoTenant():
            return (
                TenantCreated(
                    name=command.name, open_registration=command.open_registration, auto_approve=command.auto_approve
                ),
            )
        case _:
            assert_never(state)


def evolve(state: State, event: TenantCreated) -> State:  # noqa: ARG001 - every decider has this shape
    """Take over a tenant's settings."""
    return Tenant(name=event.name, open_registration=event.open_registration, auto_approve=event.auto_approve)
