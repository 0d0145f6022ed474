"""API keys as queries answer them after the real commands: in order, where they stand, and nobody else's."""

from datetime import timedelta

import pytest

from domain.api_keys import Scope
from projections import api_keys
from tests.projections import cashier
from tests.projections.house import House, projections_of

pytestmark = pytest.mark.anyio


async def test_keys_are_listed_in_order_with_where_they_stand_at_the_moment(house: House) -> None:
    await house.open()
    ana, bob = await house.user("ana"), await house.user("bob")
    successor = await cashier.api_key(house, ana)
    async with projections_of(house.urls):
        await house.caught_up()
    async with house.reading() as connection:
        page = await api_keys.list_keys(connection, now=house.now, user=ana, limit=9)
        nobodys = await api_keys.list_keys(connection, now=house.now, user=bob, limit=9)
        everybodys = await api_keys.list_keys(connection, now=house.now, user=None, limit=1)
    first, second = page.items
    assert (first.status, first.successor, first.revoked_by) == ("revoked", second.id, ana)
    assert (second.id, second.status, second.replaces, second.made_by) == (successor, "active", first.id, ana)
    assert second.scopes == (Scope.READ, Scope.TRADE)
    assert nobodys.items == ()
    assert (everybodys.items, everybodys.next_cursor is None) == ((first,), False)


async def test_a_key_that_was_rotated_ends_by_itself(house: House) -> None:
    await house.open()
    ana = await house.user("ana")
    await cashier.api_key(house, ana)
    async with projections_of(house.urls):
        await house.caught_up()
    await house.execute("UPDATE api_keys_g1.api_keys SET revoked_at = NULL")
    for later, status in ((timedelta(minutes=59), "rotated"), (timedelta(hours=1), "ended")):
        async with house.reading() as connection:
            page = await api_keys.list_keys(connection, now=house.now + later, user=ana, limit=1)
        assert page.items[0].status == status
