"""Destinations belong to one user, take one asset, cool down before use, and go out of use for ever."""

from datetime import timedelta

import pytest

from domain import destinations
from domain.destinations import (
    AddDestination,
    DestinationAdded,
    DestinationAssetDiffers,
    DestinationCooling,
    DestinationExists,
    DestinationRemoved,
    Kind,
    RemoveDestination,
    UnknownDestination,
    usable_by,
)
from domain.ids import DestinationId, UserId
from domain.ledger.accounts import Realm
from tests.domain.given import after
from tests.domain.ledger.entries import ASSETS, NOW, USER

ID = DestinationId("de" * 16)
USABLE = NOW + timedelta(hours=24)
USD, EUR = (ASSETS.find(Realm.COMPANY, code) for code in ("USD", "EUR"))
ADD = AddDestination(
    destination=ID, user=USER, kind=Kind.IBAN, asset="EUR", occurred_at=NOW, usable_from=USABLE
)  # fmt: skip
REMOVE = RemoveDestination(user=USER, occurred_at=NOW)


def test_a_destination_is_added_and_removed_once() -> None:
    after(destinations).when(ADD).then(
        DestinationAdded(destination=ID, user=USER, kind=Kind.IBAN, asset="EUR", occurred_at=NOW, usable_from=USABLE)
    )
    after(destinations, ADD).when(ADD).raises(DestinationExists, destination=ID)
    after(destinations, ADD).when(REMOVE).then(DestinationRemoved(destination=ID, occurred_at=NOW))
    after(destinations, ADD, REMOVE).when(REMOVE).nothing()


def test_nobody_removes_what_is_not_theirs() -> None:
    after(destinations, ADD).when(RemoveDestination(user=UserId("f" * 32), occurred_at=NOW)).raises(UnknownDestination)
    after(destinations).when(REMOVE).raises(UnknownDestination)


def test_a_destination_is_usable_when_it_has_cooled_down_and_not_an_instant_before() -> None:
    state = after(destinations, ADD).state
    assert usable_by(state, USER, asset=EUR, at=USABLE) == state
    with pytest.raises(DestinationCooling) as raised:
        usable_by(state, USER, asset=EUR, at=USABLE - timedelta(microseconds=1))
    assert raised.value.usable_from == USABLE


def test_a_destination_takes_one_asset() -> None:
    with pytest.raises(DestinationAssetDiffers):
        usable_by(after(destinations, ADD).state, USER, asset=USD, at=USABLE)


def test_a_destination_of_somebody_else_or_a_removed_one_is_unknown() -> None:
    with pytest.raises(UnknownDestination):
        usable_by(after(destinations, ADD).state, UserId("f" * 32), asset=EUR, at=USABLE)
    with pytest.raises(UnknownDestination):
        usable_by(after(destinations, ADD, REMOVE).state, USER, asset=EUR, at=USABLE)
    with pytest.raises(UnknownDestination):
        usable_by(None, USER, asset=EUR, at=USABLE)
