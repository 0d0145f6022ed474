"""Destinations: where a user's withdrawals may go. One cools down before its first use, so that a thief has to wait.

The account number, key or address is in the vault; what a well-formed one is, is decided before a command comes.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, assert_never

from domain.errors import NotFound, Refused
from domain.ids import DestinationId, UserId
from domain.money import Asset


class Kind(StrEnum):
    """How money gets there. Coins come out of custody, all else out of the bank account for clients' money."""

    BANK = "bank"
    IBAN = "iban"
    PIX = "pix"
    CRYPTO = "crypto"


@dataclass(kw_only=True, eq=False)
class UnknownDestination(NotFound):
    """The destination was never added, was removed, or belongs to somebody else, which nobody is told."""

    code: ClassVar[str] = "unknown_destination"
    sentence: ClassVar[str] = "There is no such destination."


@dataclass(kw_only=True, eq=False)
class DestinationExists(Refused):
    """The destination was added already."""

    code: ClassVar[str] = "destination_exists"
    sentence: ClassVar[str] = "The destination was added already."
    destination: str


@dataclass(kw_only=True, eq=False)
class DestinationCooling(Refused):
    """The destination is too new."""

    code: ClassVar[str] = "destination_cooling"
    sentence: ClassVar[str] = "The destination was added a short while ago and cannot be used yet."
    usable_from: datetime


@dataclass(kw_only=True, eq=False)
class DestinationAssetDiffers(Refused):
    """The destination takes one asset only."""

    code: ClassVar[str] = "destination_asset_differs"
    sentence: ClassVar[str] = "The destination takes another asset."
    asset: str
    requested: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddDestination:
    """Add a destination whose particulars are in the vault already. `usable_from` is where its cooling time ends."""

    destination: DestinationId
    user: UserId
    kind: Kind
    asset: str
    occurred_at: datetime
    usable_from: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveDestination:
    """Take a destination out of use."""

    user: UserId
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationAdded:
    """A user may withdraw an asset to a destination from a moment on."""

    destination: DestinationId
    user: UserId
    kind: Kind
    asset: str
    occurred_at: datetime
    usable_from: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationRemoved:
    """Nothing goes to a destination any more. What was asked for before is paid all the same."""

    destination: DestinationId
    occurred_at: datetime


Command = AddDestination | RemoveDestination
Event = DestinationAdded | DestinationRemoved


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A destination and whose it is."""

    destination: DestinationId
    user: UserId
    kind: Kind
    asset: str
    usable_from: datetime
    removed: bool = False


State = Destination | None
INITIAL: State = None


def decide(state: State, command: Command) -> tuple[Event, ...]:
    """Add a destination once, or remove one; one that is gone is nothing to do."""
    match command:
        case AddDestination():
            if state is not None:
                raise DestinationExists(destination=state.destination)
            return (
                DestinationAdded(
                    destination=command.destination,
                    user=command.user,
                    kind=command.kind,
                    asset=command.asset,
                    occurred_at=command.occurred_at,
                    usable_from=command.usable_from,
                ),
            )
        case RemoveDestination(user=user, occurred_at=at):
            if state is None or state.user != user:
                raise UnknownDestination
            return () if state.removed else (DestinationRemoved(destination=state.destination, occurred_at=at),)
        case _:
            assert_never(command)


def evolve(state: State, event: Event) -> State:
    """Remember whose destination it is, or that it is gone."""
    match event:
        case DestinationAdded():
            return Destination(
                destination=event.destination,
                user=event.user,
                kind=event.kind,
                asset=event.asset,
                usable_from=event.usable_from,
            )
        case DestinationRemoved():
            assert state is not None, "only what was added is removed"
            return replace(state, removed=True)
        case _:
            assert_never(event)


def usable_by(state: State, user: UserId, *, asset: Asset, at: datetime) -> Destination:
    """Return the destination if this user may withdraw this asset to it now; refuse it otherwise."""
    if state is None or state.user != user or state.removed:
        raise UnknownDestination
    if state.asset != asset.code:
        raise DestinationAssetDiffers(asset=state.asset, requested=asset.code)
    if at < state.usable_from:
        raise DestinationCooling(usable_from=state.usable_from)
    return state
