"""The reader: one reading and decoding of the log for all who stand at the same position."""

from collections.abc import AsyncIterator

import pytest

from application.wakeup import Wakeup
from interfaces.postgres.connections import connect
from projections import reader as reading
from projections.reader import BATCH, Fact, NewLogEpoch, Reader, Slice, pause_s
from tests.projections.house import BANK, House

pytestmark = pytest.mark.anyio


@pytest.fixture
async def reader(house: House) -> AsyncIterator[Reader]:
    await house.open()
    wakeup = Wakeup(lambda: connect(house.urls.projector, name="reader"), "lastro_log")
    await wakeup.start()
    reader = Reader(house.store, wakeup)
    yield reader
    await reader.close()
    await wakeup.stop()


async def test_who_stands_at_the_same_position_gets_the_same_events_decoded_once(house: House, reader: Reader) -> None:
    first, second = await reader.after(0), await reader.after(0)
    assert first is second
    assert first.facts[0].event is second.facts[0].event
    assert first.end == await house.store.head()


async def test_a_slice_ends_where_that_of_another_follower_begins(house: House, reader: Reader) -> None:
    await house.user("ana")
    await house.post((BANK, 1), ("equity:owner", -1))
    ahead = await reader.after(1)
    behind = await reader.after(0)
    assert behind.end == 1
    assert await reader.after(behind.end) is ahead


async def test_a_slice_holds_whole_appends_only(house: House, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.user("ana")
    monkeypatch.setattr(reading, "BATCH", 1)
    position, sizes = 0, []
    while position < await house.store.head():
        found = await reader.after(position)
        assert found.facts[-1].recorded.ends_append
        sizes.append([len(append.facts) for append in found.appends()])
        position = found.end
    assert sizes == [[1], [2]]


async def test_an_append_ends_at_its_end_also_where_its_last_event_was_not_asked_for(house: House) -> None:
    await house.open()
    await house.user("ana")
    head = await house.store.head()
    some = await house.store.read_named(0, ["email.claimed.v1"], limit=100)
    assert [one.log_position for one in some.events] == [head - 1]
    (append,) = Slice([Fact(one) for one in some.events], some.end).appends()
    assert (append.end, some.events[0].append_end) == (head, head)


async def test_a_position_behind_the_end_of_the_log_is_a_new_log(house: House, reader: Reader) -> None:
    with pytest.raises(NewLogEpoch):
        await reader.after(await house.store.head() + 1)


def test_the_more_comes_the_longer_more_of_it_is_waited_for_within_limits() -> None:
    assert [pause_s(events) for events in (1, 20, 30, 50, BATCH - 1)] == [0.02, 0.02, 0.03, 0.05, 0.05]


def test_nobody_waits_where_there_is_more_to_be_read() -> None:
    assert pause_s(BATCH) == 0.0
