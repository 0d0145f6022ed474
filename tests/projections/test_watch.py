"""Reading what one wrote oneself: a query waits until its model has read far enough, and not for ever."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from application.wakeup import Wakeup
from domain.ids import UserId
from interfaces.postgres.connections import connect
from projections import accounts
from projections.reading import NotReached
from projections.watch import Watch
from tests.projections.house import BANK, House, name, on, projections_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def watch(house: House) -> AsyncIterator[Watch]:
    wakeup = Wakeup(lambda: connect(house.urls.app, name="watch"), "lastro_projections")
    watch = Watch(house.app, wakeup)
    await wakeup.start()
    await watch.start()
    yield watch
    await watch.stop()
    await wakeup.stop()


async def test_whoever_waits_for_an_append_finds_it_in_the_model(house: House, watch: Watch) -> None:
    await house.open()
    async with projections_of(house.urls):
        await house.caught_up()
        for cents in range(1, 6):
            await house.post((BANK, 1), ("equity:owner", -1))
            head = await house.store.head()
            await watch.wait_for(head, "accounts", "journal")
            async with house.reading() as connection:
                answer = await accounts.get_balances(connection, BANK)
            assert answer.log_position >= head
            assert answer.value.amounts[0].units == cents


async def test_many_wait_at_once_and_each_goes_on_when_it_may(house: House, watch: Watch) -> None:
    await house.open()
    head = await house.store.head()
    async with projections_of(house.urls):
        waiting = [asyncio.create_task(watch.wait_for(head + n, "accounts")) for n in range(20)]
        for _ in range(20):
            await house.post((BANK, 1), ("equity:owner", -1))
        await asyncio.gather(*waiting)


async def test_a_position_that_is_not_reached_in_time_is_an_error(house: House, watch: Watch) -> None:
    await house.open()
    async with projections_of(house.urls):
        head = await house.caught_up()
        with pytest.raises(NotReached):
            await watch.wait_for(head + 1, "accounts", timeout_s=0.05)
        with pytest.raises(NotReached):
            await watch.wait_for(head, "accounts", "no such model", timeout_s=0.05)


async def test_before_a_worker_has_ever_started_no_model_answers(house: House) -> None:
    await house.open()
    async with house.reading() as connection:
        with pytest.raises(NotReached):
            await accounts.get_balances(connection, BANK)
    async with house.reading() as connection:
        with pytest.raises(NotReached):
            await accounts.list_own_balances(on(connection), UserId(name("ana")))
